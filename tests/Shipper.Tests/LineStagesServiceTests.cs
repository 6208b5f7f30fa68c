// Tenants, labels, metadata, joining and redaction as the endpoint sees them.
using System.Text;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Label;
using LokiGateway.Testing;

namespace LokiGateway.Shipper.Tests;

public sealed class LineStagesServiceTests
{
    private static readonly TimeSpan Never = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task BlockThatFallsSilent_IsSent()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = Joining(sink, TimeSpan.FromMilliseconds(100));
        await rig.StartAsync();
        rig.WritePod("web-1", ["error", "  at A()"]);
        await Eventually.Equal(1, () => sink.StoredCount, "the block");
        Assert.Equal("error\n  at A()", sink.Stored()[0].Line);
        rig.WritePod("web-1", ["next"], firstNanos: 10);
        await Eventually.Equal(2, () => sink.StoredCount, "the next block");
        await Eventually.Equal((2L, 2L), () => (rig.Shipper.Totals.ReadLines, rig.Shipper.Totals.AckedLines), "the books");
    }

    [Fact]
    public async Task Drain_EndsBlocks()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = Joining(sink, Never);
        rig.WritePod("web-1", ["a", "  1", "b", "  2"]);
        rig.WriteRaw("app.log", "x\n  3\ny\n  4 without newline");
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal(["a\n  1", "b\n  2", "x\n  3", "y\n  4 without newline"], sink.Stored().Select(static entry => entry.Line).Order());
    }

    [Fact]
    public async Task Stop_SendsOpenBlocks_AndTheNextStartGoesOnBehindThem()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = Joining(sink, Never);
        rig.WritePod("web-1", ["a", "  1"]);
        await rig.StartAsync();
        await AllReadAsync(rig);
        Assert.Equal(0, sink.StoredCount);
        await rig.RestartAsync();
        Assert.Equal(["a\n  1"], sink.Stored().Select(static entry => entry.Line));
        rig.WritePod("web-1", ["b"], firstNanos: 10);
        Assert.True(await rig.DrainAsync());
        Assert.Equal(["a\n  1", "b"], sink.Stored().Select(static entry => entry.Line));
    }

    [Fact]
    public async Task BlockThatCouldNotBeSent_IsReadAgainWhole()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Default = SinkAnswer.Stall;
        await using ShipperRig rig = Joining(sink, Never, static options => options with { ShutdownTimeout = TimeSpan.Zero });
        string path = rig.WritePod("web-1", ["a", "  1"]);
        await File.AppendAllTextAsync(path, "2026-11-22T22:15:01.500000000Z stderr F other\n");
        await rig.StartAsync();
        await AllReadAsync(rig);
        await rig.Shipper.DisposeAsync();
        sink.Default = SinkAnswer.Ok;
        rig.WritePod("web-1", ["  2"], firstNanos: 600_000_000);
        await rig.RestartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal(["a\n  1\n  2", "other"], sink.Stored().Select(static entry => entry.Line).Order());
    }

    [Fact]
    public async Task Secret_IsNeitherOnTheWireNorInTheStateDirectory_WhenItIsRejectedEither()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Default = SinkAnswer.TooFarBehind(static (_, entry) => entry.Line.Contains("reject", StringComparison.Ordinal));
        await using var rig = new ShipperRig(sink, static options => With(options, static source => source with { Redaction = [new("tok_[a-z0-9]+", "***")] }));
        rig.WritePod("web-1", ["tok_visible1 stays", "reject tok_visible2", "plain"]);
        rig.WriteRaw("app.log", "reject tok_visible3\ntok_visible4");
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        await rig.Shipper.DisposeAsync();
        Assert.Equal(["***", "*** stays", "plain"], sink.Stored().Select(static entry => entry.Line).Order(StringComparer.Ordinal));
        Assert.Equal(2, rig.Shipper.Totals.RejectedLines);
        foreach (string file in Directory.EnumerateFiles(rig.Options.StateDirectory, "*", SearchOption.AllDirectories))
            Assert.DoesNotContain("tok_", Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)));
        await using var page = new MemoryStream();
        await rig.Registry.CollectAndExportAsTextAsync(page);
        Assert.Equal(4, MetricsPage.Parse(Encoding.UTF8.GetString(page.ToArray())).Sum("loki_shipper_redacted_lines_total"));
    }

    [Fact]
    public async Task Metadata_IsAttachedByOption()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink, static options => With(options, static source => source with
        {
            PodUidMetadata = true,
            ContainerIdMetadata = true,
            StreamMetadata = true,
            FilenameMetadata = true,
        }));
        string path = rig.WritePod("web-1", ["out"]);
        await File.AppendAllTextAsync(path, "2026-11-22T22:15:02.000000000Z stderr F err\n");
        string id = new('a', 64);
        string link = Path.Combine(rig.Logs, "containers", $"web-2_shop_app-{id}.log");
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        await File.WriteAllTextAsync(link, "2026-11-22T22:15:03.000000000Z stdout F two\n");
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        StoredEntry[] stored = [.. sink.Stored().OrderBy(static entry => entry.UnixNanos)];
        Assert.Equal([("filename", path), ("pod_uid", "1"), ("stream", "stdout")], stored[0].Metadata);
        Assert.Equal([("filename", path), ("pod_uid", "1"), ("stream", "stderr")], stored[1].Metadata);
        Assert.Equal([("filename", link), ("container_id", id), ("stream", "stdout")], stored[2].Metadata);
        Assert.Equal(stored[0].Labels, stored[1].Labels);
        Assert.DoesNotContain("stream=", stored[0].Labels);
    }

    [Fact]
    public async Task Tenants_AreMapped_AndAnInvalidOneHoldsNobodyUp()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink, static options => options with
        {
            Endpoint = options.Endpoint with { TenantFrom = TenantFrom.Namespace, TenantMap = [new TenantRule("team-*", "platform")] },
        });
        rig.WritePod("a", ["1"], "team-x");
        rig.WritePod("b", ["2"], "team-y");
        rig.WritePod("c", ["3"], "shop");
        rig.WritePod("d", ["4"], "not valid");
        rig.WriteRaw("syslog.log", "5\n");
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal([("ops", "4"), ("ops", "5"), ("platform", "1"), ("platform", "2"), ("shop", "3")],
            sink.Stored().Select(static entry => (entry.Tenant, entry.Line)).Order());
    }

    [Fact]
    public async Task FilesOverMaxStreams_AreStoredUnderOneStream_WithTheirPath()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink, static options => With(options, static source => source with { StreamsMax = 2 }));
        List<string> paths = [];
        for (int pod = 0; pod < 6; pod++) paths.Add(rig.WritePod($"web-{pod}", [$"line {pod}"]));
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal(6, sink.StoredCount);
        StoredEntry[] reduced = [.. sink.Stored().Where(static entry => entry.Labels.Contains("loki_shipper_overflow", StringComparison.Ordinal))];
        Assert.Equal(4, reduced.Length);
        Assert.Single(reduced.Select(static entry => entry.Labels).Distinct());
        Assert.All(reduced, entry => Assert.Equal(("filename", paths[entry.Line[^1] - '0']), Assert.Single(entry.Metadata)));
    }

    private static ShipperRig Joining(FaultSink sink, TimeSpan wait, Func<ShipperOptions, ShipperOptions>? change = null) => new(sink, options =>
    {
        options = With(options, source => source with { MultiLine = new MultiLineOptions { FirstLine = @"^\S", WaitMax = wait } });
        return change is null ? options : change(options);
    });

    private static ShipperOptions With(ShipperOptions options, Func<SourceOptions, SourceOptions> change) =>
        options with { Sources = [.. options.Sources.Select(change)] };

    private static Task AllReadAsync(ShipperRig rig) =>
        Eventually.True(() => rig.Shipper.Totals is { FilesActive: > 0, LagBytes: 0 } && rig.Shipper.Totals.ReadBytes > 0, "everything to be read");
}
