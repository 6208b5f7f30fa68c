// What an operator types: checking a configuration, shipping once, and the errors that a tired person has to understand at three in the morning.
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("loki-shipper")]
    [InlineData("loki-gateway")]
    [InlineData("local-loki")]
    public async Task HelpAndVersion_AreAnsweredWithSuccess(string program)
    {
        foreach (var option in (string[])["--help", "--version"])
        {
            await using var process = ChildProcess.StartBuilt(program, option);
            Assert.Equal(0, await process.WaitExitAsync());
            Assert.Contains(program, process.Stdout, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task VerifyConfig_AcceptsAGoodFile()
    {
        using var temp = new TempDirectory("command");
        var shipper = new ShipperSetup(temp, "/var/log/*.log", new Uri("http://127.0.0.1:1/loki/api/v1/push"));
        await using var checkedShipper = shipper.Start("--verify-config");
        Assert.True(await checkedShipper.WaitExitAsync() == 0, checkedShipper.Describe());
        Assert.False(Directory.Exists(shipper.StateDirectory), "checking a configuration changes nothing");

        var gateway = new GatewaySetup(temp, new Uri("http://127.0.0.1:1"));
        await using var checkedGateway = ChildProcess.StartBuilt("loki-gateway", $"--config.file={gateway.ConfigFile}", "--verify-config");
        Assert.True(await checkedGateway.WaitExitAsync() == 0, checkedGateway.Describe());
    }

    [Theory]
    [InlineData("loki-shipper", "endpoint:\n  url: http://a/push\n  tenant_id: ops\n  batch_sise: 1MiB\nsources: [{paths: [/a]}]\n", ":4:", "batch_sise", "batch_size")]
    [InlineData("loki-shipper", "endpoint: {url: http://a/push, tenant_id: ops}\nsources:\n  - paths: ['/a/[b.log']\n", ":3:", "sources[0].paths", "without its ]")]
    [InlineData("loki-shipper", "endpoint: {url: http://a/push, tenant_id: ops, tls: {ca_file: /a}}\nsources: [{paths: [/a]}]\n", ":1:", "endpoint.tls", "https://")]
    [InlineData("loki-shipper", "endpoint: {url: http://a/push, tenant_id: ops, batch_wait: soon}\nsources: [{paths: [/a]}]\n", ":1:", "batch_wait", "soon")]
    [InlineData("loki-shipper", "endpoint: {url: http://a/push, tenant_id: 'a b'}\nsources: [{paths: [/a]}]\n", ":1:", "tenant_id", "' '")]
    [InlineData("loki-gateway", "upstream: {push_url: http://a}\n", "auth.mode", "", "")]
    [InlineData("loki-gateway", "auth: {mode: trust}\nupstream: {push_url: http://a}\nlimits_config:\n  ingestion_rate_bm: 4\n", ":4:", "ingestion_rate_bm", "ingestion_rate_mb")]
    public async Task VerifyConfig_NamesLineKeyAndTheNearestKey(string program, string yaml, string first, string second, string third)
    {
        using var temp = new TempDirectory("command");
        var file = temp.Write("bad.yaml", yaml);
        await using var process = ChildProcess.StartBuilt(program, $"--config.file={file}", "--verify-config");
        Assert.Equal(1, await process.WaitExitAsync());
        foreach (var part in (string[])[file, first, second, third]) Assert.Contains(part, process.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", process.Stderr, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("loki-shipper")]
    [InlineData("loki-gateway")]
    public async Task MissingConfigFile_IsNamed(string program)
    {
        await using var process = ChildProcess.StartBuilt(program, "--config.file=/nowhere/at-all.yaml");
        Assert.Equal(1, await process.WaitExitAsync());
        Assert.Contains("/nowhere/at-all.yaml", process.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", process.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PortTaken_NamesAddressAndKey()
    {
        using var temp = new TempDirectory("command");
        var shipper = new ShipperSetup(temp, $"{temp.Path}/*.log", new Uri("http://127.0.0.1:1/loki/api/v1/push"));
        var gateway = new GatewaySetup(temp, new Uri("http://127.0.0.1:1"));
        foreach (var (address, start, key) in ((Uri, Func<ChildProcess>, string)[])
            [(shipper.Admin, () => shipper.Start(), "admin.listen"), (gateway.Admin, gateway.Start, "admin.listen"), (gateway.Address, gateway.Start, "http_listen_port")])
        {
            using var holder = new TcpListener(IPAddress.Loopback, address.Port);
            holder.Start();
            await using var process = start();
            Assert.Equal(1, await process.WaitExitAsync());
            Assert.Contains($"127.0.0.1:{address.Port}", process.Stderr, StringComparison.Ordinal);
            Assert.Contains(key, process.Stderr, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", process.Stderr, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Once_ShipsAllThereIsAndPrintsTheBooks()
    {
        using var temp = new TempDirectory("command");
        await using var sink = FaultSink.Start();
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 31);
        writer.Write(500);
        writer.Finish();
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl);
        await using var process = setup.Start("--once");
        Assert.True(await process.WaitExitAsync() == 0, process.Describe());
        using var books = JsonDocument.Parse(Assert.Single(process.Stdout.Split('\n')));
        Assert.Equal(writer.Count, books.RootElement.GetProperty("lines_read").GetInt64());
        Assert.Equal(writer.Count, books.RootElement.GetProperty("lines_acked").GetInt64());
        Assert.True(Delivery.Compare([writer], sink.Stored()).IsExact);

        // Nothing new: nothing to ship, and that is success too.
        await using var again = setup.Start("--once");
        Assert.True(await again.WaitExitAsync() == 0, again.Describe());
        Assert.Equal(writer.Count, sink.StoredCount);
    }

    [Fact]
    public async Task OnceWithoutAcknowledgement_ExitsWithThree()
    {
        using var temp = new TempDirectory("command");
        await using var sink = FaultSink.Start();
        sink.Default = SinkAnswer.Refuse(503);
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 32);
        writer.Write(50, tearShare: 0);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, "min_backoff: 10ms\nmax_backoff: 50ms", shutdownTimeout: "500ms");
        await using var process = setup.Start("--once", "--timeout=1s");
        Assert.True(await process.WaitExitAsync() == 3, process.Describe());
        using var books = JsonDocument.Parse(Assert.Single(process.Stdout.Split('\n')));
        Assert.Equal(0, books.RootElement.GetProperty("lines_acked").GetInt64());

        sink.Default = SinkAnswer.Ok;
        await using var again = setup.Start("--once");
        Assert.True(await again.WaitExitAsync() == 0, again.Describe());
        Assert.True(Delivery.Compare([writer], sink.Stored()).IsExact);
    }
}
