// What a project registers, read from its source: name, kind, labels and help stand together in one call, and only in *Metrics.cs.
using System.Text.RegularExpressions;

namespace LokiGateway.Conventions.Tests;

internal static partial class MetricTable
{
    public static IEnumerable<(string Name, string Kind, string Labels, string Help, SourceFile File)> Registered(string project) =>
        from file in Repository.Products
        where file.Folders[1] == project
        from match in CreateCall().Matches(file.Text)
        let rest = match.Groups["rest"].Value
        let name = (match.Groups["prefix"].Success ? "prefix+" : "") + match.Groups["name"].Value
        let help = string.Concat(StringLiteral().Matches(match.Groups["help"].Value).Select(static literal => literal.Groups[1].Value))
        let labels = string.Join(", ", StringLiteral().Matches(rest).Select(static literal => literal.Groups[1].Value))
        select (name, match.Groups["kind"].Value.ToLowerInvariant(), labels, help, file);

    /// <summary>As a table; metrics whose name begins with a variable prefix get the program's, or stand in the part of all processes
    /// when that is null.</summary>
    public static string Of(string project, string? prefix)
    {
        var lines = new List<string> { "| metric | kind | labels | meaning |", "|---|---|---|---|" };
        IEnumerable<(string Name, string Kind, string Labels, string Help, SourceFile File)> own = Registered(project);
        if (prefix is not null)
        {
            own = own.Concat(Registered("Hosting")
                .Where(metric => IsPrefixed(metric.Name)
                && (!metric.Name.Contains("runtime_config", StringComparison.Ordinal) || UsesRuntimeLimits(project))
                && (!metric.Name.StartsWith("prefix+_config_", StringComparison.Ordinal) || ReloadsConfiguration(project))));
        }
        else
        {
            own = own.Where(static metric => !IsPrefixed(metric.Name));
        }

        lines.AddRange(own.OrderBy(metric => metric.Name.Replace("prefix+", prefix, StringComparison.Ordinal), StringComparer.Ordinal)
            .Select(metric =>
            Row($"`{metric.Name.Replace("prefix+", prefix, StringComparison.Ordinal)}`", metric.Kind, metric.Labels, metric.Help)));
        return string.Join('\n', lines);
    }

    public static string Row(params IEnumerable<string> cells) =>
        $"| {string.Join(" | ", cells.Select(static cell => cell.Replace("|", "\\|", StringComparison.Ordinal)))} |".Replace("  ", " ", StringComparison.Ordinal);

    private static bool IsPrefixed(string name) => name.StartsWith("prefix+", StringComparison.Ordinal);

    private static bool UsesRuntimeLimits(string project) =>
        Repository.Products.Any(file => file.Folders[1] == project && file.Name.EndsWith("Server", StringComparison.Ordinal)
            && file.Text.Contains("RuntimeLimits", StringComparison.Ordinal));

    private static bool ReloadsConfiguration(string project) =>
        Repository.Products.Any(file => file.Folders[1] == project && file.Text.Contains(".WatchConfiguration()", StringComparison.Ordinal));

    // metrics.CreateCounter("name", "help" + "more help", "label", …);  prefix + "_name" is noted as "prefix+_name".
    [GeneratedRegex(
        """Create(?<kind>Counter|Gauge|Histogram|Summary)\(\s*(?<prefix>prefix\s*\+)?\s*"(?<name>[a-z0-9_]+)",\s*"""
        + """(?<help>"(?:[^"\\]|\\.)*"(?:\s*\+\s*"(?:[^"\\]|\\.)*")*)(?<rest>[^;]*?)\)""")]
    private static partial Regex CreateCall();

    [GeneratedRegex("""
        "((?:[^"\\]|\\.)*)"
        """)]
    private static partial Regex StringLiteral();
}
