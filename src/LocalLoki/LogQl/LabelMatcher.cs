// `name = "value"` and its three relatives. An absent label counts as the empty value, as in Prometheus.

using System.Text.RegularExpressions;

namespace LokiGateway.LocalLoki.LogQl;

internal enum LabelMatch { Equal, NotEqual, Regex, NotRegex }

internal sealed class LabelMatcher
{
    private readonly Regex? regex;

    /// <exception cref="LogQlException">The pattern is no RE2 expression.</exception>
    public LabelMatcher(string name, LabelMatch type, string value)
    {
        Name = name;
        Type = type;
        Value = value;
        if (type is LabelMatch.Regex or LabelMatch.NotRegex) regex = Re2Pattern.Anchored(value);
    }

    public string Name { get; }

    public LabelMatch Type { get; }

    public string Value { get; }

    /// <summary>True when an absent label would pass: such a matcher alone selects every stream, which Loki refuses.</summary>
    public bool MatchesEmpty => Matches("");

    /// <param name="value">The label's value, or null when the stream has no such label.</param>
    public bool Matches(string? value) => Type switch
    {
        LabelMatch.Equal => string.Equals(value ?? "", Value, StringComparison.Ordinal),
        LabelMatch.NotEqual => !string.Equals(value ?? "", Value, StringComparison.Ordinal),
        LabelMatch.Regex => regex!.IsMatch(value ?? ""),
        _ => !regex!.IsMatch(value ?? ""),
    };
}
