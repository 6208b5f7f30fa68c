// The first promise: no line is lost, whatever happens to the shipper. Here it happens: kill -9 at random points while containers write and
// their logs rotate. What Loki would return (equal stream, time and line once) must be every written line exactly once.
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class CrashTests(ITestOutputHelper output)
{
    private const int Kills = 20;

    [Fact]
    public Task KilledTwentyTimesWhileFilesRotate_EveryLineArrivesOnce() => KillTwentyTimesAsync("", static stored => stored);

    /// <summary>Every third line begins an entry, so that the shipper nearly always dies with some that are open, and no line may be in two.</summary>
    [Fact]
    public Task KilledTwentyTimesWhileLinesAreJoined_EveryLineArrivesInOneEntry() => KillTwentyTimesAsync(
        """multiline: {first_line: '^line=\d*[0369] ', max_wait: 1s}""",
        static stored =>
        [
            // What Loki would have, line by line; of two entries that share a line it would keep both.
            .. stored.DistinctBy(static entry => (entry.Tenant, entry.Labels, entry.UnixNanos, entry.Line))
                .SelectMany(static (entry, number) => entry.Line.Split('\n').Select(line => entry with { Line = line, UnixNanos = number })),
        ]);

    private async Task KillTwentyTimesAsync(string source, Func<IReadOnlyList<StoredEntry>, IReadOnlyList<StoredEntry>> linesOf)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("CRASH_SEED"), out var given) ? given : Random.Shared.Next();
        output.WriteLine($"seed {seed}: replay with CRASH_SEED={seed}");
        var random = new Random(seed);
        using var temp = new TempDirectory("crash");
        await using var sink = FaultSink.Start(push => (push.Number % 17) switch
        {
            3 => SinkAnswer.StoredThen(500),
            7 => SinkAnswer.DropAfterReading(stored: true),
            11 => SinkAnswer.DropAfterReading(stored: false),
            13 => SinkAnswer.RateLimited(),
            _ => SinkAnswer.Ok,
        });
        var root = temp.Folder("pods");
        RotatingLogWriter[] writers =
        [
            new(root, "default", "web-0", seed: seed),
            new(root, "default", "web-1", seed: seed + 1),
            new(root, "shop", "cart-0", "redis", seed: seed + 2),
        ];
        var setup = new ShipperSetup(temp, $"{root}/*/*/*.log", sink.PushUrl, endpoint: "min_backoff: 20ms\nmax_backoff: 200ms", source: source);

        // Files that were rotated before there ever was a shipper are not its own: the first life begins before the first rotation.
        foreach (var writer in writers) writer.Write(20);
        await using (var first = await setup.StartReadyAsync())
        {
            await Eventually.ValueAsync(setup.MetricsAsync, page => page.Sum("loki_shipper_checkpoint_timestamp_seconds") > 0, "the first checkpoint");
            await first.KillAsync();
        }

        using var stopWriting = new CancellationTokenSource();
        var writing = Task.Run(() => WriteAndRotate(writers, seed, stopWriting.Token));
        var lives = new ShipperLives(setup);
        for (var kill = 0; kill < Kills; kill++)
        {
            // Some die before they are ready, most in their work, every fifth so late that it has saved positions and gone on.
            var length = TimeSpan.FromMilliseconds(kill % 5 == 4 ? 4000 : random.Next(4) == 0 ? random.Next(300) : random.Next(400, 1600));
            await lives.LiveAndDieAsync(length);
        }
        await stopWriting.CancelAsync();
        await writing;
        foreach (var writer in writers) writer.Finish();
        output.WriteLine($"{writers.Sum(writer => writer.Count)} lines, {writers.Sum(writer => writer.Rotations)} rotations");

        await using (var last = await setup.StartReadyAsync())
        {
            var delivery = await Eventually.Value(() => Delivery.Compare(writers, linesOf(sink.Stored())), seen => seen.IsExact,
                $"every line exactly once (seed {seed})", TimeSpan.FromSeconds(60));
            output.WriteLine(delivery.ToString());
            last.Terminate();
            Assert.Equal(0, await last.WaitExitAsync());
        }
        Assert.Empty(sink.Faults);
        Assert.Equal(source.Length > 0, sink.Stored().Any(entry => entry.Line.Contains('\n')));
        Assert.Equal(LedgerAudit.Expected(sink), LedgerAudit.Said(sink));
        Assert.True(writers.Sum(writer => writer.Rotations) >= Kills, "rotation went on");
        Assert.Empty(lives.SentAgain(sink.Stored()));
        Assert.True(lives.Saved > 0, "no life had time to save: nothing was checked");
    }

    [Fact]
    public async Task KilledAfterItsCheckpoint_ResendsNothing()
    {
        using var temp = new TempDirectory("crash");
        await using var sink = FaultSink.Start();
        var root = temp.Folder("pods");
        using var writer = new RotatingLogWriter(root, seed: 5);
        var setup = new ShipperSetup(temp, $"{root}/*/*/*.log", sink.PushUrl);
        for (var round = 0; round < 3; round++)
        {
            await using var shipper = await setup.StartReadyAsync();
            for (var i = 0; i < 20; i++) writer.Write(50);
            writer.Rotate();
            writer.Write(100);
            writer.Finish();
            await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, "all delivered");
            await Eventually.ValueAsync(setup.MetricsAsync, page =>
                Books.From(page) is { InFlight: 0 } books && books.Read == books.Acked && page.Sum("loki_shipper_checkpoint_timestamp_seconds") >
                page.Sum("loki_shipper_last_ack_timestamp_seconds"), "a checkpoint newer than the last acknowledgement");
            await shipper.KillAsync();
        }
        await using (var shipper = await setup.StartReadyAsync())
        {
            writer.Write(10, tearShare: 0);
            await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, "the last ten lines");
        }
        Assert.Equal(writer.Count, sink.StoredCount);
    }

    private static void WriteAndRotate(RotatingLogWriter[] writers, int seed, CancellationToken stop)
    {
        var random = new Random(seed + 100);
        while (!stop.IsCancellationRequested)
        {
            var writer = writers[random.Next(writers.Length)];
            writer.Write(random.Next(1, 60), partialShare: 0.1, tearShare: 0.3);
            if (random.Next(30) == 0) writer.Rotate();
            stop.WaitHandle.WaitOne(random.Next(5, 30));
        }
    }
}
