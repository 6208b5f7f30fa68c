namespace LokiGateway.Operations.Storage;

/// <summary>What is looked at, and within which bounds.</summary>
internal sealed record StorageOptions
{
    public required string Bucket { get; init; }

    /// <summary>Tenants, without the slash; empty: every prefix in which Loki's objects are, and the index.</summary>
    public IReadOnlyList<string> Prefixes { get; init; } = [];

    /// <summary>An object that is older is a delay.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How often everything is listed.</summary>
    public TimeSpan ListingInterval { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Requests of one look for one prefix, a thousand objects each.</summary>
    public int PagesMax { get; init; } = 1000;
}
