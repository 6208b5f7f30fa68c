namespace LokiGateway.Shipper.Migrate;

/// <summary>One entry of <c>sources</c> in the making.</summary>
internal sealed class ConvertedSource
{
    /// <summary>job_name of the scrape config: a comment in the result.</summary>
    public required string Origin { get; init; }

    public List<string> Paths { get; } = [];

    /// <summary>Namespaces that the discovery is restricted to; empty: all.</summary>
    public List<string> OnlyNamespaces { get; } = [];

    public List<string> Exclude { get; } = [];

    /// <summary>cri, docker or raw.</summary>
    public string Format { get; set; } = "raw";

    public List<KeyValuePair<string, string>> Labels { get; } = [];

    /// <summary>In order; each is one of keep, drop (names) and rename, static (pairs).</summary>
    public List<ConvertedRule> Rules { get; } = [];

    /// <summary>Keys of <c>multiline</c> with their values.</summary>
    public List<KeyValuePair<string, string>> MultiLine { get; } = [];

    /// <summary><c>max_streams</c>; null: not set.</summary>
    public string? StreamsMax { get; set; }

    /// <summary>Pattern and replacement.</summary>
    public List<KeyValuePair<string, string>> Redact { get; } = [];

    /// <summary>Keys of <c>structured_metadata</c>.</summary>
    public SortedDictionary<string, bool> Metadata { get; } = new(StringComparer.Ordinal);
}

/// <summary>One entry of <c>label_rules</c>: the pairs' values are empty for keep and drop.</summary>
internal sealed record ConvertedRule(string Action, IReadOnlyList<KeyValuePair<string, string>> Pairs)
{
    public bool IsNames => Action is "keep" or "drop";
}
