// The dashboards of deploy/dashboards as Grafana reads them, with what the tests ask of them.
using System.Text.Json;
using System.Text.RegularExpressions;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Dashboards;

/// <summary>One PromQL expression with its variables put in.</summary>
/// <param name="Where">File and panel, for messages.</param>
/// <param name="Expression">PromQL that Prometheus would be sent.</param>
/// <param name="Labels">Labels that the legend, or a variable's query, shows.</param>
internal sealed record DashboardQuery(string Where, string Expression, IReadOnlyList<string> Labels);

/// <summary>One JSON file.</summary>
internal sealed partial record Dashboard(string File, JsonElement Root)
{
    /// <summary>Stands for what a person has chosen in a variable.</summary>
    public const string Chosen = "chosen";

    public static IReadOnlyList<Dashboard> All { get; } =
    [
        .. Directory.GetFiles(DeployTree.Path("dashboards"), "*.json").Order(StringComparer.Ordinal)
            .Select(static path => new Dashboard(Path.GetFileName(path), JsonDocument.Parse(System.IO.File.ReadAllText(path)).RootElement)),
    ];

    public string Uid => Root.GetProperty("uid").GetString()!;

    public string Title => Root.GetProperty("title").GetString()!;

    /// <summary>Panels that draw something, rows left out.</summary>
    public IEnumerable<JsonElement> Panels => AllPanels.Where(static panel => panel.GetProperty("type").GetString() != "row");

    public IEnumerable<JsonElement> AllPanels => Root.GetProperty("panels").EnumerateArray();

    public IEnumerable<JsonElement> Variables => Root.GetProperty("templating").GetProperty("list").EnumerateArray();

    public IEnumerable<DashboardQuery> Queries =>
    [
        .. from panel in Panels
           from target in panel.GetProperty("targets").EnumerateArray()
           let title = panel.GetProperty("title").GetString()
           let legend = target.TryGetProperty("legendFormat", out var text) ? text.GetString() ?? "" : ""
           select new DashboardQuery($"{File}: {title}", Substituted(target.GetProperty("expr").GetString()!),
               [.. InLegend().Matches(legend).Select(static match => match.Groups["label"].Value)]),
        .. from variable in Variables
           where variable.GetProperty("type").GetString() == "query"
           let query = LabelValues().Match(variable.GetProperty("definition").GetString()!)
           let name = variable.GetProperty("name").GetString()
           select query.Success
               ? new DashboardQuery($"{File}: variable {name}", Substituted(query.Groups["metric"].Value), [query.Groups["label"].Value])
               : throw new FormatException($"{File}: variable {name}: not label_values(metric, label)"),
    ];

    /// <summary>Grafana puts a duration or a regular expression of the chosen values in the place of a variable.</summary>
    private static string Substituted(string expression) => Variable().Replace(expression, static match => match.Value switch
    {
        "$__rate_interval" or "$__interval" => "5m",
        "$__range" => "1h",
        _ => Chosen,
    });

    [GeneratedRegex(@"\$\{?\w+\}?")]
    private static partial Regex Variable();

    [GeneratedRegex(@"\{\{\s*(?<label>\w+)\s*\}\}")]
    private static partial Regex InLegend();

    [GeneratedRegex(@"^label_values\((?<metric>.+), (?<label>\w+)\)$")]
    private static partial Regex LabelValues();
}
