// The queries that docs/RUNBOOK.md tells a tired person to type: the code spans that are PromQL over our metrics.
using System.Text.RegularExpressions;

namespace LokiGateway.Deploy.Tests.Alerts;

internal static partial class RunbookQueries
{
    // What stands in front of an argument that may hold a metric's name.
    private static readonly string[] Shell = ["kubectl ", "curl ", "aws ", "helm ", "grep ", "sed ", "loki-", "lokiops "];

    /// <summary>Spans that name a metric and are no command and no LogQL.</summary>
    public static IEnumerable<string> In(string text) =>
        from match in Span().Matches(Fence().Replace(text, ""))
        let span = match.Groups["code"].Value.ReplaceLineEndings(" ").Trim()
        where Metric().IsMatch(span) && !span.StartsWith('{') && !Shell.Any(word => span.StartsWith(word, StringComparison.Ordinal))
        select span;

    [GeneratedRegex("^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("`(?<code>[^`]+)`")]
    private static partial Regex Span();

    [GeneratedRegex(@"\b(?:loki|kube|process)_[a-z0-9]+_\w+|\w+:loki_\w+")]
    private static partial Regex Metric();
}
