// A dashboard is opened when something is wrong: it must load in any Grafana, find its way from one to the next, and say on each panel what to do.
using System.Text.Json;
using System.Text.RegularExpressions;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Dashboards;

public sealed partial class DashboardTests
{
    private static readonly string[] Expected =
        ["cost.json", "gateway.json", "log-volume.json", "loki-s3.json", "overview.json", "shipper.json", "tenants.json"];

    [Fact]
    public void AllPartsOfTheSystem_HaveADashboard() => Assert.Equal(Expected, Dashboard.All.Select(static one => one.File));

    [Fact]
    public async Task Files_AreWhatTheirGeneratorWrites()
    {
        using var temp = new TempDirectory("dashboards");
        (await Tool.Node.RunAsync([Path.Combine(DeployTree.Root, "eng", "dashboards", "generate.mjs"), temp.Path])).Succeeded();
        foreach (var dashboard in Dashboard.All)
        {
            Assert.True(
                await File.ReadAllTextAsync(Path.Combine(temp.Path, dashboard.File), TestContext.Current.CancellationToken)
                == await File.ReadAllTextAsync(DeployTree.Path("dashboards", dashboard.File), TestContext.Current.CancellationToken),
                $"{dashboard.File}: run node eng/dashboards/generate.mjs");
        }

        Assert.Equal(Expected, Directory.GetFiles(temp.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Uids_AreStableAndShort() => Assert.All(Dashboard.All, static one =>
    {
        // Links and bookmarks hang on it; Grafana takes 40 characters.
        Assert.Equal($"lokigateway-{Path.GetFileNameWithoutExtension(one.File)}", one.Uid);
        Assert.InRange(one.Uid.Length, 1, 40);
        Assert.Equal(JsonValueKind.Null, one.Root.GetProperty("id").ValueKind);
    });

    [Fact]
    public void Datasource_IsChosenByTheUser() => Faults.None(
        from one in Dashboard.All
        from uid in Properties(one.Root, "datasource")
        where uid.ValueKind != JsonValueKind.Object || uid.GetProperty("uid").GetString() != "${datasource}"
        select $"{one.File}: a datasource of its own: {uid}");

    [Fact]
    public void Variables_AreDatasourceClusterAndTenant_AndEachIsUsed() => Assert.All(Dashboard.All, static one =>
    {
        var names = one.Variables.Select(static variable => variable.GetProperty("name").GetString()!).ToList();
        Assert.Equal("datasource", names[0]);
        Assert.Contains("cluster", names);
        // The shipper's counters are of a node: they have no tenant.
        Assert.Equal(one.File != "shipper.json", names.Contains("tenant"));
        var used = Used().Matches(string.Join('\n', one.Panels.Select(static panel => panel.GetRawText())) + string.Concat(Texts(one.Root.GetProperty("panels"))))
            .Select(static match => match.Groups["name"].Value).Where(static name => !name.StartsWith("__", StringComparison.Ordinal)).ToHashSet();
        Assert.Equal(names.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
    });

    [Fact]
    public void Panels_LieOnTheGridWithoutOverlap() => Faults.None(Dashboard.All.SelectMany(static one => Overlaps(one)));

    [Fact]
    public void PanelsThatOverlap_AreFound()
    {
        using var json = JsonDocument.Parse("""
            {"panels": [
              {"title": "a", "type": "stat", "gridPos": {"x": 0, "y": 0, "w": 13, "h": 4}},
              {"title": "b", "type": "stat", "gridPos": {"x": 12, "y": 3, "w": 13, "h": 4}}
            ]}
            """);
        Assert.Equal(["x.json: a lies over b", "x.json: b leaves the grid of 24 columns"], Overlaps(new Dashboard("x.json", json.RootElement)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void EveryPanel_SaysWhatItShowsInWhichUnitAndWhatToDo()
    {
        List<string> faults = [];
        foreach (var (file, panel) in Dashboard.All.SelectMany(static one => one.Panels.Select(panel => (one.File, panel))))
        {
            var name = $"{file}: {panel.GetProperty("title").GetString()}";
            if (!panel.TryGetProperty("description", out var text) || text.GetString()!.Length < 40) faults.Add($"{name}: a description says what to do");
            if (panel.GetProperty("type").GetString() == "text") continue;
            var defaults = panel.GetProperty("fieldConfig").GetProperty("defaults");
            if (!defaults.TryGetProperty("unit", out var unit) || unit.GetString() is "" or null) faults.Add($"{name}: no unit");
            if (panel.GetProperty("type").GetString() is "stat" or "gauge" && defaults.GetProperty("thresholds").GetProperty("steps").GetArrayLength() < 2)
                faults.Add($"{name}: a number without thresholds does not say whether it is good");
        }

        Faults.None(faults);
    }

    [Fact]
    public void EveryDashboard_LeadsToAllOthers() => Assert.All(Dashboard.All, static one =>
    {
        var link = Assert.Single(one.Root.GetProperty("links").EnumerateArray(), static link => link.GetProperty("type").GetString() == "dashboards");
        var tag = Assert.Single(link.GetProperty("tags").EnumerateArray()).GetString();
        Assert.Contains(one.Root.GetProperty("tags").EnumerateArray(), own => own.GetString() == tag);
        Assert.True(link.GetProperty("includeVars").GetBoolean() && link.GetProperty("keepTime").GetBoolean());
    });

    [Fact]
    public void LinksBetweenDashboards_LeadSomewhere() => Faults.None(
        from one in Dashboard.All
        from text in Texts(one.Root)
        from match in Link().Matches(text)
        where Dashboard.All.All(other => other.Uid != match.Groups["uid"].Value)
        select $"{one.File}: {match.Value}");

    [Fact]
    public async Task EveryExpression_PassesPromtool()
    {
        using var temp = new TempDirectory("dashboards");
        var rules = Dashboard.All.SelectMany(static one => one.Queries)
            .Select(static (query, at) => $"      # {query.Where}\n      - record: dashboard:query:{at}\n        expr: {JsonSerializer.Serialize(query.Expression)}\n");
        var file = temp.Write("dashboards.yaml", $"groups:\n  - name: dashboards\n    rules:\n{string.Concat(rules)}");
        (await Tool.Promtool.RunAsync(["check", "rules", file])).Succeeded();
    }

    private static IEnumerable<string> Overlaps(Dashboard dashboard)
    {
        var boxes = dashboard.AllPanels.Select(static panel => (Title: panel.GetProperty("title").GetString(), At: panel.GetProperty("gridPos")))
            .Select(static box => (box.Title, X: Number(box.At, "x"), Y: Number(box.At, "y"), W: Number(box.At, "w"), H: Number(box.At, "h")))
            .ToList();
        foreach (var box in boxes.Where(static box => box.X < 0 || box.W < 1 || box.H < 1 || box.X + box.W > 24))
            yield return $"{dashboard.File}: {box.Title} leaves the grid of 24 columns";
        for (var i = 0; i < boxes.Count; i++)
        {
            foreach (var other in boxes.Skip(i + 1))
            {
                var box = boxes[i];
                if (box.X < other.X + other.W && other.X < box.X + box.W && box.Y < other.Y + other.H && other.Y < box.Y + box.H)
                    yield return $"{dashboard.File}: {box.Title} lies over {other.Title}";
            }
        }
    }

    private static int Number(JsonElement box, string name) => box.GetProperty(name).GetInt32();

    private static IEnumerable<JsonElement> Properties(JsonElement element, string name) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property => property.Name == name ? [property.Value] : Properties(property.Value, name)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(item => Properties(item, name)),
        _ => [],
    };

    private static IEnumerable<string> Texts(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(static property => Texts(property.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Texts),
        JsonValueKind.String => [element.GetString()!],
        _ => [],
    };

    [GeneratedRegex(@"\$\{?(?<name>[a-zA-Z_]\w*)")]
    private static partial Regex Used();

    [GeneratedRegex("/d/(?<uid>[a-z0-9-]+)")]
    private static partial Regex Link();
}
