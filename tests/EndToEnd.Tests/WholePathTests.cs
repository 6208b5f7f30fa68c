// From the file on the node to the answer of a query: shipper, gateway and Loki together, and what happens when the one in the middle goes away.
using System.Text.Json;
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.EndToEnd.Tests.Stack;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class WholePathTests(LokiStack stack) : IClassFixture<LokiStack>
{
    [Fact]
    public async Task WrittenIsQueried_LinesLabelsAndOrder()
    {
        using var temp = new TempDirectory("path");
        var root = temp.Folder("pods");
        RotatingLogWriter[] writers = [new(root, "whole", "web-0", seed: 41), new(root, "whole", "db-0", "postgres", seed: 42)];
        var setup = new ShipperSetup(temp, $"{root}/*/*/*.log", new Uri(stack.Gateway, "/loki/api/v1/push"), extra: "external_labels: {cluster: test}");
        await using var shipper = await setup.StartReadyAsync();
        await using var watch = new BooksWatch(setup.Admin, seed: 4);
        for (var round = 0; round < 20; round++)
        {
            foreach (var writer in writers) writer.Write(100, payloadBytesMax: 300);
            if (round % 7 == 6) writers[0].Rotate();
            await Task.Delay(50);
        }
        foreach (var writer in writers) writer.Finish();
        var total = writers.Sum(writer => writer.Count);
        await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), books => books.Acked == total, $"{total} lines acknowledged");
        foreach (var writer in writers)
        {
            var found = await LokiQuery.AllAsync(stack.Gateway, "ops", $"{{namespace=\"whole\", container=\"{writer.Container}\", cluster=\"test\"}}");
            Assert.All(found, entry => Assert.Equal("node-1", entry.Labels["node"]));
            foreach (var stream in (string[])["stdout", "stderr"])
            {
                Assert.Equal(writer.Lines.Where(line => line.Stream == stream).Select(line => line.Text),
                    found.Where(entry => entry.Labels["stream"] == stream).OrderBy(entry => entry.UnixNanos).Select(entry => entry.Line));
            }
        }
        Assert.Empty(await watch.StopAsync());
    }

    [Fact]
    public async Task SourceThatLokiRefuses_IsTheOneThatTheGatewayNamesAsMissing()
    {
        using var temp = new TempDirectory("path");
        await using var loki = FaultSink.Start(static _ => SinkAnswer.TooFarBehind(
            static (stream, entry) => IsDatabase(stream.Labels) && entry.Line.Length % 2 == 0));
        var root = temp.Folder("pods");
        RotatingLogWriter[] writers = [new(root, "whole", "web-0", seed: 44), new(root, "whole", "db-0", "postgres", seed: 45)];
        var gateway = new GatewaySetup(temp, loki.Address, extra: "completeness: {threshold: 0.95, window: 1m, grace: 1s}");
        var setup = new ShipperSetup(temp, $"{root}/*/*/*.log", gateway.PushUrl, extra: "external_labels: {cluster: test}\nledger: {interval: 1s}");
        await using var process = await gateway.StartReadyAsync();
        await using var shipper = await setup.StartReadyAsync();
        foreach (var writer in writers)
        {
            writer.Write(100);
            writer.Finish();
        }
        var total = writers.Sum(static writer => writer.Count);
        using var http = new HttpClient();
        var page = await Eventually.ValueAsync(
            async () => JsonDocument.Parse(await http.GetStringAsync(new Uri(gateway.Admin, "/api/v1/completeness"))).RootElement.GetProperty("clusters"),
            // A report may come while the first answers are under way: then lines are expected that are not decided yet.
            clusters => clusters.GetArrayLength() == 1 && clusters[0].GetProperty("expected_lines").GetInt64() == total && Decided(clusters[0]) == total,
            $"{total} lines expected and decided", TimeSpan.FromSeconds(60));
        var cluster = page[0];
        Assert.Equal(("ops", "test"), (cluster.GetProperty("tenant").GetString(), cluster.GetProperty("cluster").GetString()));
        Assert.True(cluster.GetProperty("below_threshold").GetBoolean(), $"{cluster}");
        var missing = Assert.Single(cluster.GetProperty("missing").EnumerateArray());
        Assert.Equal("whole/db-0/postgres", missing.GetProperty("source").GetString());
        Assert.Equal(loki.RejectedLines.Count, missing.GetProperty("rejected_lines").GetInt64());
        Assert.Equal(total - loki.RejectedLines.Count, cluster.GetProperty("acked_lines").GetInt64());
        // The gateway has counted what Loki took by itself, and the shipper does not claim more.
        var metrics = await MetricsPage.FetchAsync(gateway.Admin);
        Assert.Equal(0, metrics.Sum("loki_gateway_shipper_stamp_errors_total"));
    }

    [Fact]
    public async Task GatewayKilledAndRestartedWhileTheShipperRuns_LosesNothing()
    {
        using var temp = new TempDirectory("path");
        using var writer = new RotatingLogWriter(temp.Folder("pods"), "restart", seed: 43);
        var gateway = new GatewaySetup(temp, stack.Loki);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", gateway.PushUrl, "min_backoff: 20ms\nmax_backoff: 300ms");
        await using var shipper = setup.Start();
        for (var round = 0; round < 4; round++)
        {
            await using var process = await gateway.StartReadyAsync();
            for (var i = 0; i < 10; i++)
            {
                writer.Write(30);
                await Task.Delay(30);
            }
            // Rollouts end with SIGTERM, nodes with kill -9.
            if (round % 2 == 0)
            {
                process.Terminate();
                Assert.Equal(0, await process.WaitExitAsync());
            }
            else
            {
                await process.KillAsync();
            }
            writer.Write(50);
            writer.Rotate();
        }
        writer.Finish();
        await using (await gateway.StartReadyAsync())
        {
            var books = await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), seen => seen.Acked == writer.Count, $"{writer.Count} lines acknowledged");
            Assert.Null(books.Fault);
            var found = await LokiQuery.AllAsync(gateway.Address, "ops", "{namespace=\"restart\"}");
            Assert.Equal(writer.Lines.Select(line => line.Text).Order(StringComparer.Ordinal), found.Select(entry => entry.Line).Order(StringComparer.Ordinal));
        }
    }

    /// <summary>One stream, because Loki's text counts what it refused of one.</summary>
    private static long Decided(JsonElement cluster) => cluster.GetProperty("acked_lines").GetInt64() +
        cluster.GetProperty("missing").EnumerateArray().Sum(static source => source.GetProperty("rejected_lines").GetInt64());

    private static bool IsDatabase(string labels) =>
        labels.Contains("db-0", StringComparison.Ordinal) && labels.Contains("stdout", StringComparison.Ordinal);
}
