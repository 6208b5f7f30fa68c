// OpenCost's answers: classes of cost, idle, clusters, and the noise of its numbers.
using LokiGateway.Operations.Cost;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Tests.Cost.Reading;

public sealed class OpenCostReaderTests : IDisposable
{
    private static readonly DateOnly From = new(2026, 11, 1);
    private static readonly DateOnly To = new(2026, 12, 1);

    private const string Answer = """
        {"code": 200, "data": [
          {
            "loki/ingester": {"name": "loki/ingester", "properties": {"cluster": "ops", "namespace": "loki", "labels": {"app_kubernetes_io_name": "loki", "tenant": "prod"}},
              "window": {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z"}, "start": "2026-11-01T00:00:00Z", "end": "2026-11-01T23:00:00Z",
              "cpuCoreHours": 48.2, "cpuCost": 1.5200000000000002, "cpuCostAdjustment": 0, "ramCost": 0.48, "gpuCost": 0, "pvCost": 0.25, "networkCost": 0.1,
              "loadBalancerCost": 0, "sharedCost": 0, "externalCost": 0, "totalCost": 2.3500000000000001},
            "__idle__": {"name": "__idle__", "properties": {"cluster": "ops"}, "window": {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z"},
              "cpuCost": 3, "ramCost": 1, "totalCost": 4}
          },
          null,
          {"loki/ingester": {"name": "loki/ingester", "properties": {"cluster": "ops", "labels": {"app_kubernetes_io_name": "loki"}},
            "window": {"start": "2026-11-02T00:00:00Z", "end": "2026-11-03T00:00:00Z"}, "cpuCost": 2, "totalCost": 2}}
        ]}
        """;

    private readonly CostScene _scene = new();

    public void Dispose() => _scene.Dispose();

    [Fact]
    public void Lines_BecomeComputeStorageAndTransfer_AndIdleIsALineOfItsOwn()
    {
        CostReport report = Make(Answer, "");

        Assert.Equal(4.35m, FocusReaderTests.Sum(report, "loki", "ops"));
        Assert.Equal(4m, FocusReaderTests.Sum(report, "idle", "ops"));
        Assert.Equal(0.25m, report.Cells.Where(static cell => cell.Key.Key.Class == ResourceClass.Storage).Sum(static cell => cell.Value));
        Assert.Equal(0.1m, report.Cells.Where(static cell => cell.Key.Key.Class == ResourceClass.Transfer).Sum(static cell => cell.Value));
        Assert.All(report.Cells.Keys, static at => Assert.Equal(CostQuality.Estimated, at.Key.Quality));
        Assert.Contains(report.Cells.Keys, static at => at.Key.Tenant == "prod");
    }

    [Fact]
    public void Rules_MayPlaceByNamespaceAndSource()
    {
        CostReport report = Make(Answer, """
            rules:
              - {name: by namespace, match: {kind: opencost, namespace: loki, source: "*answer.json"}, component: gateway, cluster: dev}
            """);

        Assert.Equal(4.35m, FocusReaderTests.Sum(report, "gateway", "dev"));
    }

    [Theory]
    [InlineData("\"totalCost\": 4}", "\"totalCost\": 5}", 8, "__idle__: its costs add up to 4.00, totalCost is 5.00")]
    [InlineData("\"cpuCost\": 3", "\"cpuCost\": \"three\"", 8, "__idle__: cpuCost is not an amount: \"three\"")]
    [InlineData("\"totalCost\": 4}", "\"total\": 4}", 7, "__idle__: has no totalCost")]
    [InlineData("{\"cluster\": \"ops\"}, \"window\": {\"start\": \"2026-11-01T00:00:00Z\"", "{\"cluster\": \"ops\"}, \"window\": {\"start\": \"yesterday\"", 7, "__idle__: has no window.start that is a time")]
    public void LineThatCannotBeRead_IsNamedWithItsPlace(string good, string bad, long line, string message)
    {
        Assert.Contains(good, Answer, StringComparison.Ordinal);
        CostReport report = Make(Answer.Replace(good, bad, StringComparison.Ordinal), "");

        Assert.Equal((line, message), (Assert.Single(report.Bad.First).Line, report.Bad.First[0].Message));
        Assert.Equal(0m, FocusReaderTests.Sum(report, "idle", "ops"));
        Assert.Equal(4.35m, FocusReaderTests.Sum(report, "loki", "ops"));
    }

    [Theory]
    [InlineData("{\"code\": 200, \"data\": [\n{]}", @"answer\.json:2:2: is not valid JSON")]
    [InlineData("{\"code\": 400, \"data\": [], \"message\": \"bad window\"}", "answer.json:1:10: OpenCost answered code 400, bad window")]
    public void FileThatIsNoAnswer_StopsTheReport(string text, string message) =>
        Assert.Matches(message, Assert.Throws<CostException>(() => Make(text, "")).Message);

    private CostReport Make(string text, string rules) => _scene.Make(CostRules.Parse(rules), [$"opencost:{_scene.Write("answer.json", text)}"], From, To);
}
