// Loki tells in prose which entries of a stored request it did not take. This reads that prose, so that the books can say how many lines were
// refused and why, instead of counting a whole batch as one or the other.
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.RegularExpressions;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.Protocol.Push;

/// <summary>Entries refused for one reason.</summary>
/// <param name="Reason">Loki's reason word, as in <c>loki_discarded_samples_total{reason}</c>.</param>
/// <param name="Entries">How many.</param>
public readonly partial record struct LokiRejection(string Reason, long Entries)
{
    // Texts of Loki's distributor about one entry (pkg/validation/validate.go in 3.2; 3.6 and later begin in lower case): the others were stored.
    private static readonly (string Text, string Reason)[] EntryTexts =
    [
        ("max entry size", "line_too_long"),
        ("has timestamp too old", "greater_than_max_sample_age"),
        ("has timestamp too new", "too_far_in_future"),
        ("has structured metadata too large", "structured_metadata_too_large"),
        ("has too many structured metadata labels", "structured_metadata_too_many"),
        ("includes structured metadata, but this feature is disallowed", "disallowed_structured_metadata"),
    ];

    private const string ServiceName = "service_name";

    // Texts about a whole stream: how many entries that is, only halving tells.
    private static readonly (string Text, string Reason)[] StreamTexts =
    [
        ("label names; limit", "max_label_names_per_series"),
        ("has label name too long", "label_name_too_long"),
        ("has label value too long", "label_value_too_long"),
        ("has duplicate label name", "duplicate_label_names"),
        ("at least one label pair is required", "missing_labels"),
        ("missing required labels", "missing_enforced_labels"),
        ("couldn't parse labels", "invalid_labels"),
        ("error parsing labels", "invalid_labels"),
    ];

    // The ingester's: "entry with timestamp … ignored, reason: 'entry too far behind, …' … total ignored: 3 out of 7 for stream: {…}".
    private static readonly (string Text, string Reason)[] IgnoredTexts =
    [
        ("entry too far behind", "too_far_behind"),
        ("entry out of order", "out_of_order"),
        ("per stream rate limit exceeded", "per_stream_rate_limit"),
    ];

    /// <summary>The stream that a 429 is about, and why; false when it is about the tenant. The label text is Loki's: see <see cref="IsNamed"/>.</summary>
    public static bool TryParseStreamLimit(string body, [NotNullWhen(true)] out string? labels, [NotNullWhen(true)] out string? reason)
    {
        (labels, reason) = (null, null);
        if (StreamLimit().Match(body) is { Success: true } limit) (labels, reason) = (limit.Groups[1].Value, "stream_limit");
        else if (body.Contains("per stream rate limit exceeded", StringComparison.OrdinalIgnoreCase) && IgnoredForStream().Match(body) is { Success: true } rate)
            (labels, reason) = (rate.Groups[1].Value.TrimEnd(), "per_stream_rate_limit");
        return labels is not null;
    }

    /// <summary>Whether Loki's text names this stream of ours: its distributor adds a label service_name to streams that have none.</summary>
    public static bool IsNamed(string sent, string lokis)
    {
        if (sent == lokis) return true;
        if (!LabelSet.TryParse(Encoding.UTF8.GetBytes(sent), out LabelSet? ours, out _) || !LabelSet.TryParse(Encoding.UTF8.GetBytes(lokis), out LabelSet? theirs, out _))
            return false;
        return ours.Equals(theirs)
            || ours[ServiceName] is null && ours.Equals(LabelSet.Of(theirs.Pairs.Where(static pair => pair.Key != ServiceName)));
    }

    /// <summary>The stream that all entries of a text belong to, in Loki's spelling; null: none is named, or only as an example.</summary>
    public static string? NamedStream(string body)
    {
        if (ErrorsLike().IsMatch(body)) return null;
        if (IgnoredForStream().Match(body) is { Success: true } ignored) return ignored.Groups[1].Value.TrimEnd();
        return QuotedStream().Match(body) is { Success: true } quoted ? quoted.Groups[1].Value : null;
    }

    /// <summary>
    /// True when the text tells for every refused entry why, which means that all others were stored. False for anything else, such as errors about
    /// labels or a request that could not be read.
    /// </summary>
    public static bool TryParse(string body, [NotNullWhen(true)] out IReadOnlyList<LokiRejection>? rejections)
    {
        rejections = null;
        if (TotalIgnored().Match(body) is { Success: true } total)
        {
            rejections = [new(Find(IgnoredTexts, body) ?? "ignored", Number(total.Groups[1]))];
            return true;
        }

        // One error is the bare text; several are "N errors like: <text>", joined by "; " in no particular order.
        MatchCollection groups = ErrorsLike().Matches(body);
        List<LokiRejection> found = [];
        if (groups.Count == 0)
        {
            if (Find(EntryTexts, body) is not { } reason) return false;
            found.Add(new(reason, 1));
        }
        for (int i = 0; i < groups.Count; i++)
        {
            int from = groups[i].Index + groups[i].Length;
            int to = i + 1 < groups.Count ? groups[i + 1].Index : body.Length;
            if (Find(EntryTexts, body[from..to]) is not { } reason) return false;
            found.Add(new(reason, Number(groups[i].Groups[1])));
        }
        rejections = found;
        return true;
    }

    /// <summary>The reason word of a text about a stream or an entry; null when it is none that Loki is known to say.</summary>
    public static string? ReasonOf(string text) => WholeStreamReason(text) ?? Find(EntryTexts, text) ?? Find(IgnoredTexts, text);

    /// <summary>The reason word of a text that is about a stream's labels, and so about each of its entries; null when it is not.</summary>
    public static string? WholeStreamReason(string text) => Find(StreamTexts, text);

    private static string? Find((string Text, string Reason)[] table, string text)
    {
        foreach ((string part, string reason) in table)
            if (text.Contains(part, StringComparison.OrdinalIgnoreCase)) return reason;
        return null;
    }

    // Both patterns match at most 18 digits, so the number always fits.
    private static long Number(Group digits) => long.Parse(digits.ValueSpan);

    [GeneratedRegex(@"active stream limit exceeded when trying to create stream (\{.*\}), reduce the number", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex StreamLimit();

    [GeneratedRegex(@"total ignored: \d+ out of \d+ for stream: (\{.*\})", RegexOptions.CultureInvariant)]
    private static partial Regex IgnoredForStream();

    [GeneratedRegex(@"stream '(\{.*\})' ", RegexOptions.CultureInvariant)]
    private static partial Regex QuotedStream();

    [GeneratedRegex(@"total ignored: (\d{1,18}) out of \d{1,18}", RegexOptions.CultureInvariant)]
    private static partial Regex TotalIgnored();

    [GeneratedRegex(@"(?:^|; )(\d{1,18}) errors like: ", RegexOptions.CultureInvariant)]
    private static partial Regex ErrorsLike();
}
