// From the file on the node to the answer of a query: shipper, gateway and Loki together, and what happens when the one in the middle goes away.
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
}
