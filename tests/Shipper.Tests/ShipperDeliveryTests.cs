// What a refusal of some lines means for all the others, seen from the files: who waits, who goes on, and that nothing is forgotten over a restart.
using System.Text.Json;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Tests.Tail;
using LokiGateway.Testing;

namespace LokiGateway.Shipper.Tests;

public sealed class ShipperDeliveryTests
{
    [Fact]
    public async Task StreamRefusedForEver_HoldsItsOwnFile_AndTheOthersOfItsTenantGoOn()
    {
        var limit = new StreamLimit("web-0");
        await using FaultSink sink = FaultSink.Start(limit.Answer);
        await using var rig = new ShipperRig(sink, OneLane);
        rig.WritePod("web-0", ShipperRig.Lines(500, "held"));
        for (int pod = 1; pod < 4; pod++) rig.WritePod($"web-{pod}", ShipperRig.Lines(500, $"pod {pod}"));
        await rig.StartAsync();
        await Eventually.Equal(1500, () => sink.StoredCount, "lines of the other streams");
        // More of all, while the one is refused again and again.
        for (int round = 1; round <= 5; round++)
        {
            for (int pod = 0; pod < 4; pod++) rig.WritePod($"web-{pod}", ShipperRig.Lines(500, $"pod {pod} round {round}"), firstNanos: round * 1000);
            await Eventually.Equal(1500 * (round + 1), () => sink.StoredCount, "the other streams' new lines");
            AssertBooks(rig);
        }
        Assert.DoesNotContain(sink.Stored(), entry => limit.IsOver(entry.Labels));
        Assert.False(await rig.DrainAsync(TimeSpan.FromMilliseconds(200)));

        limit.LetIn();
        Assert.True(await rig.DrainAsync());

        string[] held = [.. sink.Stored().Where(entry => limit.IsOver(entry.Labels)).Select(entry => entry.Line)];
        Assert.Equal([.. ShipperRig.Lines(500, "held"), .. Enumerable.Range(1, 5).SelectMany(round => ShipperRig.Lines(500, $"pod 0 round {round}"))], held);
        ShipperTotals totals = rig.Shipper.Totals;
        Assert.Equal((12000, 12000, 0, 0), (totals.ReadLines, totals.AckedLines, totals.RejectedLines, totals.InFlightLines));
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task RestartWhileAStreamIsRefused_SendsItAgain_AndNothingElse()
    {
        var limit = new StreamLimit("web-0");
        await using FaultSink sink = FaultSink.Start(limit.Answer);
        await using var rig = new ShipperRig(sink, options => OneLane(options) with { ShutdownTimeout = TimeSpan.FromSeconds(20) });
        for (int pod = 0; pod < 3; pod++) rig.WritePod($"web-{pod}", ShipperRig.Lines(300, $"pod {pod}"));
        await rig.StartAsync();
        await Eventually.True(() => rig.Shipper.Totals is { AckedLines: 600, InFlightLines: 300 }, "all but one stream to be stored", () => $"{rig.Shipper.Totals}");

        // A refused stream is no reason to wait out the shutdown_timeout.
        await rig.RestartAsync();
        limit.LetIn();
        Assert.True(await rig.DrainAsync());

        Assert.Equal(900, sink.StoredCount);
        Assert.Equal(ShipperRig.Lines(300, "pod 0"), sink.Stored().Where(entry => limit.IsOver(entry.Labels)).Select(entry => entry.Line));
        Assert.Equal(300, rig.Shipper.Totals.ReadLines);
    }

    [Fact]
    public async Task StderrOverTheLimit_KeepsThePositionOfItsFile_SoARestartLosesNothing()
    {
        var limit = new StreamLimit("stderr");
        await using FaultSink sink = FaultSink.Start(limit.Answer);
        await using var rig = new ShipperRig(sink, OneLane);
        string path = rig.WritePod("web-0", []);
        for (int i = 0; i < 100; i++)
            await File.AppendAllTextAsync(path, $"2026-11-22T22:15:01.{i:D9}Z {(i % 10 == 3 ? "stderr" : "stdout")} F line {i}\n");
        await rig.StartAsync();
        await Eventually.Equal(90, () => sink.StoredCount, "the lines of stdout");
        await rig.RestartAsync();
        limit.LetIn();
        Assert.True(await rig.DrainAsync());

        Assert.Equal(100, sink.Distinct().Count);
        Assert.Equal(ShipperRig.Lines(100), sink.Distinct().OrderBy(entry => entry.UnixNanos).Select(entry => entry.Line));
    }

    [Fact]
    public async Task StderrOverTheLimit_StdoutOfTheSameFileGoesOn_OverRotationsToo()
    {
        var limit = new StreamLimit("stderr");
        await using FaultSink sink = FaultSink.Start(limit.Answer);
        await using var rig = new ShipperRig(sink, OneLane);
        var log = new TwoStreams(rig.WritePod("web-0", []));
        await rig.StartAsync();
        for (int round = 1; round <= 12; round++)
        {
            log.Write(400);
            await Eventually.Equal(log.Stdout.Count, () => sink.StoredCount, "the lines of stdout");
            if (round % 3 == 0) Kubelet.Rotate(log.Path, $"20261122-22150{round / 3}");
        }
        Assert.DoesNotContain(sink.Stored(), entry => limit.IsOver(entry.Labels));
        // What stderr wrote stays in the files: memory holds what was read when it was refused first, not all of it.
        Assert.InRange(rig.Shipper.Totals.InFlightLines, 1, log.Stderr.Count / 2);
        Assert.True(rig.Shipper.Totals.LagBytes > 0);
        AssertBooks(rig);

        limit.LetIn();
        Assert.True(await rig.DrainAsync());

        AssertStoredOnceInOrder(log, sink);
        Assert.Equal(log.Stdout.Count + log.Stderr.Count, rig.Shipper.Totals.ReadLines);
        Assert.Equal(0, rig.Shipper.Totals.LagBytes);
        AssertBooks(rig);
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task RestartWhileStderrIsOverTheLimit_SendsNothingOfStdoutAgain()
    {
        var limit = new StreamLimit("stderr");
        await using FaultSink sink = FaultSink.Start(limit.Answer);
        await using var rig = new ShipperRig(sink, OneLane);
        var log = new TwoStreams(rig.WritePod("web-0", []));
        await rig.StartAsync();
        for (int life = 1; life <= 4; life++)
        {
            for (int round = 0; round < 3; round++)
            {
                log.Write(200);
                await Eventually.Equal(log.Stdout.Count, () => sink.StoredCount, "the lines of stdout");
            }
            if (life == 2) Kubelet.Rotate(log.Path, "20261122-221501");
            await rig.RestartAsync();
        }
        limit.LetIn();
        Assert.True(await rig.DrainAsync());

        AssertStoredOnceInOrder(log, sink);
    }

    [Fact]
    public async Task ContainerRestartWhileStderrIsOverTheLimit_StdoutOfTheNewRunGoesOn_AndStderrKeepsItsOrder()
    {
        var limit = new StreamLimit("stderr");
        await using FaultSink sink = FaultSink.Start(limit.Answer);
        await using var rig = new ShipperRig(sink, OneLane);
        var log = new TwoStreams(rig.WritePod("web-0", []));
        await rig.StartAsync();
        for (int run = 0; run < 3; run++)
        {
            if (run > 0) log.Path = Path.Combine(Path.GetDirectoryName(log.Path)!, $"{run}.log");
            for (int round = 0; round < 3; round++)
            {
                log.Write(200);
                await Eventually.Equal(log.Stdout.Count, () => sink.StoredCount, "the lines of stdout");
            }
        }
        limit.LetIn();
        Assert.True(await rig.DrainAsync());

        AssertStoredOnceInOrder(log, sink);
    }

    [Fact]
    public async Task StreamsOverTheirLimitInTurns_EachGoesOnWhenItMay()
    {
        var limit = new StreamLimit("stderr");
        await using FaultSink sink = FaultSink.Start(limit.Answer);
        await using var rig = new ShipperRig(sink, OneLane);
        var log = new TwoStreams(rig.WritePod("web-0", []));
        await rig.StartAsync();
        for (int round = 0; round < 24; round++)
        {
            int before = sink.StoredCount;
            limit.Over = (round % 3) switch { 0 => "stdout", 1 => "stderr", _ => "std" };
            log.Write(100);
            if (limit.Over != "std") await Eventually.True(() => sink.StoredCount > before, "the other stream to go on", () => $"{rig.Shipper.Totals}");
            if (round % 2 == 0) Kubelet.Rotate(log.Path, $"20261122-2215{round:D2}");
        }
        limit.LetIn();
        Assert.True(await rig.DrainAsync());

        AssertStoredOnceInOrder(log, sink);
        AssertBooks(rig);
    }

    [Fact]
    public async Task FileEmptiedWhileStderrIsOverTheLimit_WhatWasLeftInItIsALossWithItsBytes()
    {
        var limit = new StreamLimit("stderr");
        await using FaultSink sink = FaultSink.Start(limit.Answer);
        await using var rig = new ShipperRig(sink, OneLane);
        var log = new TwoStreams(rig.WritePod("web-0", []));
        await rig.StartAsync();
        log.Write(200);
        await Eventually.Equal(log.Stdout.Count, () => sink.StoredCount, "the lines of stdout");
        await Eventually.True(() => rig.Shipper.Totals.LagBytes == 0, "stderr to be met", () => $"{rig.Shipper.Totals}");
        log.Write(200);
        await Eventually.Equal(log.Stdout.Count, () => sink.StoredCount, "the new lines of stdout");
        long left = rig.Shipper.Totals.LagBytes;
        Assert.True(left > 0);
        File.WriteAllBytes(log.Path, []);
        await Eventually.True(() => rig.Shipper.Totals.LostLines > 0, "the loss to be named", () => $"{rig.Shipper.Totals}");

        limit.LetIn();
        Assert.True(await rig.DrainAsync());
        Assert.Equal(log.Stdout, sink.Stored().Where(entry => !limit.IsOver(entry.Labels)).Select(entry => entry.Line));
        AssertBooks(rig);
    }

    [Fact]
    public async Task ManyStreamsOverTheLimit_TakeNoMoreMemoryThanTheirShare_AndAllComeThrough()
    {
        var limit = new StreamLimit("over-");
        await using FaultSink sink = FaultSink.Start(limit.Answer);
        await using var rig = new ShipperRig(sink, options => OneLane(options) with { Limits = options.Limits with { MemoryBytes = 2 << 20 } });
        var random = new Random(3);
        // Lines that do not compress: 40 streams of 32 KiB are five times the share of 256 KiB.
        string[] written = [.. Enumerable.Range(0, 40 * 32).Select(_ => Convert.ToBase64String(Bytes(random, 768)))];
        for (int pod = 0; pod < 40; pod++) rig.WritePod($"over-{pod}", written.Skip(pod * 32).Take(32));
        await rig.StartAsync();
        await Eventually.True(() => Gauge(rig, "loki_shipper_parked_bytes") > 128 << 10, "refused streams to pile up", () => $"{rig.Shipper.Totals}");
        for (int look = 0; look < 20; look++) Assert.InRange(Gauge(rig, "loki_shipper_parked_bytes"), 0, (256 << 10) + (64 << 10));

        limit.LetIn();
        Assert.True(await rig.DrainAsync());
        Assert.True(LokiGateway.Testing.Delivery.Compare(written, sink.Stored()) is { IsExact: true } exact, "every line exactly once");
        Assert.Equal(0, Gauge(rig, "loki_shipper_parked_bytes"));
        AssertBooks(rig);
    }

    [Fact]
    public async Task EntriesThatLokiWouldRefuseForTheirAge_AreNotSent_Counted_AndSampled()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink, static options => options with { Limits = new ShipperLimits() });
        DateTimeOffset now = DateTimeOffset.UtcNow;
        string Line(DateTimeOffset time, string text) => $"{time:yyyy-MM-ddTHH:mm:ss.fffffff}00Z stdout F {text}\n";
        // What time it is at the endpoint is known with its first answer.
        rig.WriteRaw("first.log", "hello\n");
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        sink.ForgetStored();
        string path = rig.WritePod("web-0", []);
        await File.AppendAllTextAsync(path, Line(now.AddHours(-170), "too old") + Line(now.AddHours(-167), "old enough") + Line(now, "now")
            + Line(now.AddMinutes(9), "soon") + Line(now.AddMinutes(20), "too new"));
        Assert.True(await rig.DrainAsync());

        Assert.Equal(["old enough", "now", "soon"], sink.Stored().Select(entry => entry.Line));
        ShipperTotals totals = rig.Shipper.Totals;
        Assert.Equal((6, 4, 2, 0), (totals.ReadLines, totals.AckedLines, totals.RejectedLines, totals.InFlightLines));
        Assert.Equal(1, Gauge(rig, "loki_shipper_rejected_lines_total", ("reason", "greater_than_max_sample_age")));
        Assert.Equal(1, Gauge(rig, "loki_shipper_rejected_lines_total", ("reason", "too_far_in_future")));
        await rig.RestartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal(0, rig.Shipper.Totals.ReadLines);
        string[] letters = await File.ReadAllLinesAsync(Path.Combine(rig.Options.StateDirectory, DeadLetterFile.FileName));
        Assert.Equal([("greater_than_max_sample_age", "too old"), ("too_far_in_future", "too new")], letters.Select(Letter));
    }

    [Fact]
    public async Task FileOfNothingButOldLines_IsDoneWithoutARequest()
    {
        await using FaultSink sink = FaultSink.Start();
        await using var rig = new ShipperRig(sink, static options => options with { Limits = new ShipperLimits { OldestAge = TimeSpan.FromMinutes(1) } });
        rig.WriteRaw("first.log", "hello\n");
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal(1, sink.Requests);
        File.WriteAllText(rig.WritePod("web-1", []), "2020-01-01T00:00:00Z stdout F old\n");
        File.WriteAllText(rig.WritePod("web-0", []), string.Concat(Enumerable.Repeat("2020-01-01T00:00:00Z stdout F old\n", 2000)));
        Assert.True(await rig.DrainAsync());
        Assert.Equal(1, sink.Requests);
        Assert.Equal((2002, 2001), (rig.Shipper.Totals.ReadLines, rig.Shipper.Totals.RejectedLines));
        await rig.RestartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal(0, rig.Shipper.Totals.ReadLines);
    }

    [Fact]
    public async Task EqualTimeAndEqualLine_StayTwoEntries_AndTheSameTwoAfterARestart()
    {
        await using FaultSink sink = FaultSink.Start();
        // Everything is stored, and no answer ever arrives: the next start must send the very same entries.
        sink.Default = SinkAnswer.DropAfterReading(stored: true);
        await using var rig = new ShipperRig(sink, static options => OneLane(options) with { ShutdownTimeout = TimeSpan.Zero });
        string path = rig.WritePod("web-0", []);
        await File.AppendAllTextAsync(path, string.Concat(Enumerable.Repeat("2026-11-22T22:15:01.5Z stdout F same\n", 5)));
        rig.WriteRaw("host.log", string.Concat(Enumerable.Repeat("2026-11-22 22:15:01 same\n", 5)));
        await rig.StartAsync();
        await Eventually.Equal(10, () => sink.Distinct().Count, "both files to be stored once");
        await rig.RestartAsync();
        int before = sink.StoredCount;
        await Eventually.True(() => sink.StoredCount >= before + 10, "both files to be sent again");
        sink.Default = SinkAnswer.Ok;
        Assert.True(await rig.DrainAsync());

        Assert.Equal(10, sink.Distinct().Count);
        Assert.Equal(10, rig.Shipper.Totals.AckedLines);
    }

    [Fact]
    public async Task ManyTenantsHeldForEver_DoNotTakeTheMemoryOfTheOneThatIsNot()
    {
        await using FaultSink sink = FaultSink.Start(static push => push.Tenant == "healthy" ? SinkAnswer.Ok : SinkAnswer.RateLimited());
        await using var rig = new ShipperRig(sink, options => OneLane(options) with
        {
            // Buffers for 24 batches of 64 KiB, and forty tenants that want two each.
            Endpoint = options.Endpoint with { Shards = 1, BatchSizeBytes = 64 << 10, TenantFrom = TenantFrom.Namespace },
            Limits = options.Limits with { MemoryBytes = 4 << 20, LineBytesMax = 4 << 10 },
        });
        var random = new Random(5);
        for (int tenant = 0; tenant < 40; tenant++)
            rig.WritePod("web-0", Enumerable.Range(0, 300).Select(_ => Convert.ToBase64String(Bytes(random, 600))), $"held-{tenant}");
        await rig.StartAsync();
        await Eventually.True(() => sink.Requests > 120, "every tenant to be held up", () => $"{sink.Requests}");

        for (int round = 1; round <= 3; round++)
        {
            rig.WritePod("web-0", ShipperRig.Lines(20_000, $"round {round}"), "healthy", firstNanos: round * 100_000);
            await Eventually.Equal(20_000 * round, () => sink.Stored("healthy").Count, "the healthy tenant's lines");
            // One compressed batch of each that is held, in a buffer or on its own, and no more.
            Assert.InRange(Gauge(rig, "loki_shipper_buffer_bytes") + Gauge(rig, "loki_shipper_parked_bytes"), 0, (64 << 10) * 64);
            AssertBooks(rig);
        }
        Assert.DoesNotContain(sink.Stored(), entry => entry.Tenant != "healthy");
    }

    [Fact]
    public async Task DeadLetterDiskThatRefuses_IsCounted_AndShippingGoesOn()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Default = SinkAnswer.TooFarBehind(static (_, entry) => entry.Line.EndsWith('7'));
        await using var rig = new ShipperRig(sink);
        // A directory in the file's place fails for root, too.
        Directory.CreateDirectory(Path.Combine(rig.Options.StateDirectory, DeadLetterFile.FileName));
        rig.WritePod("web-0", ShipperRig.Lines(100));
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        Assert.Equal((90, 10), (rig.Shipper.Totals.AckedLines, rig.Shipper.Totals.RejectedLines));
        await Eventually.True(() => Gauge(rig, "loki_shipper_dead_letter_entries_total", ("outcome", "failed")) == 10, "the failed samples to be counted");
    }

    private static ShipperOptions OneLane(ShipperOptions options) => options with
    {
        // One lane: everything shares a thread, and a tenant has one sender.
        Endpoint = options.Endpoint with { Shards = 1, BatchSizeBytes = 32 << 10 },
        ShutdownTimeout = TimeSpan.Zero,
    };

    private static void AssertBooks(ShipperRig rig)
    {
        ShipperTotals totals = rig.Shipper.Totals;
        Assert.Equal(totals.ReadLines, totals.AckedLines + totals.RejectedLines + totals.InFlightLines);
    }

    private static double Gauge(ShipperRig rig, string name, params (string, string)[] labels)
    {
        using var page = new MemoryStream();
        rig.Registry.CollectAndExportAsTextAsync(page).GetAwaiter().GetResult();
        return MetricsPage.Parse(System.Text.Encoding.UTF8.GetString(page.ToArray())).Sum(name, labels);
    }

    private static byte[] Bytes(Random random, int count)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private static (string?, string?) Letter(string line)
    {
        using JsonDocument letter = JsonDocument.Parse(line);
        return (letter.RootElement.GetProperty("reason").GetString(), letter.RootElement.GetProperty("line").GetString());
    }

    /// <summary>A gateway whose tenant has no room for streams with a certain text in their labels: the others are stored, these are named.</summary>
    private static void AssertStoredOnceInOrder(TwoStreams log, FaultSink sink)
    {
        Assert.Equal(log.Stdout, sink.Stored().Where(static entry => entry.Labels.Contains("stdout", StringComparison.Ordinal)).Select(static entry => entry.Line));
        Assert.Equal(log.Stderr, sink.Stored().Where(static entry => entry.Labels.Contains("stderr", StringComparison.Ordinal)).Select(static entry => entry.Line));
    }
}
