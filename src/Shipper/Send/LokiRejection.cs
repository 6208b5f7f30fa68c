// Loki tells in prose which entries of a stored request it did not take. This reads that prose, so that the books can say how many lines were
// refused and why, instead of counting a whole batch as one or the other.
using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace LokiGateway.Shipper.Send;

/// <summary>Entries refused for one reason.</summary>
/// <param name="Reason">Loki's reason word, as in <c>loki_discarded_samples_total{reason}</c>.</param>
/// <param name="Entries">How many.</param>
internal readonly partial record struct LokiRejection(string Reason, long Entries)
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

    /// <summary>The reason word of a text about a whole stream; null when it is none that Loki is known to say.</summary>
    public static string? StreamReason(string text) => Find(StreamTexts, text) ?? Find(EntryTexts, text);

    private static string? Find((string Text, string Reason)[] table, string text)
    {
        foreach ((string part, string reason) in table)
            if (text.Contains(part, StringComparison.OrdinalIgnoreCase)) return reason;
        return null;
    }

    // Both patterns match at most 18 digits, so the number always fits.
    private static long Number(Group digits) => long.Parse(digits.ValueSpan);

    [GeneratedRegex(@"total ignored: (\d{1,18}) out of \d{1,18}", RegexOptions.CultureInvariant)]
    private static partial Regex TotalIgnored();

    [GeneratedRegex(@"(?:^|; )(\d{1,18}) errors like: ", RegexOptions.CultureInvariant)]
    private static partial Regex ErrorsLike();
}
