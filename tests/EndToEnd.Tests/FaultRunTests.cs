// Everything at once, for as long as FAULT_SECONDS says: twenty containers write while kubelet rotates and compresses their logs, the endpoint is
// in trouble half of the time, and the shipper dies every five seconds. What Loki would return must be every written line exactly once, but
// for those that it refused by name.
using System.Globalization;
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.EndToEnd.Tests.Stack;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class FaultRunTests(ITestOutputHelper output)
{
    private const string Endpoint = "min_backoff: 20ms\nmax_backoff: 200ms\nremote_timeout: 1s";

    private static readonly int Seed = Number("FAULT_SEED", Random.Shared.Next());
    private static readonly TimeSpan FullLength = TimeSpan.FromSeconds(Number("FAULT_SECONDS", 120));

    /// <summary>The variations are shorter: each adds one trouble to what the full run has shown.</summary>
    private static readonly TimeSpan ShortLength = FullLength / 6;

    [Fact]
    public async Task TwentyWriters_EndpointInTrouble_KilledEveryFiveSeconds_NoLineIsLost()
    {
        using var temp = new TempDirectory("faults");
        await RunAsync(temp, new FaultRunPlan(Writers: 20, FullLength));
    }

    [Fact]
    public async Task StateDirectoryFull_NoLineIsLost()
    {
        using var temp = new TempDirectory("faults");
        var state = temp.Folder("disk");
        using var disk = TinyDisk.TryMount(state, out var refused);
        if (disk is null) Assert.Skip($"A file system of 256 KiB cannot be mounted here: {refused}");
        await RunAsync(temp, new FaultRunPlan(Writers: 10, ShortLength) { StateDirectory = state, AfterFirstCheckpoint = disk.Fill });
    }

    [Fact]
    public async Task ClockStepped_NoLineIsLost()
    {
        using var temp = new TempDirectory("faults");
        var clock = SteppedClock.Prepare(temp, out var missing);
        if (clock is null) Assert.Skip(missing);
        await RunAsync(temp, new FaultRunPlan(Writers: 10, ShortLength) { Clock = clock });
    }

    [Fact]
    public async Task TwoThousandFiles_NoLineIsLost()
    {
        using var temp = new TempDirectory("faults");
        await RunAsync(temp, new FaultRunPlan(Writers: 2_000, ShortLength));
    }

    [Fact]
    public async Task ThroughTheGatewayIntoLoki_BothKilled_EveryLineIsQueried()
    {
        using var temp = new TempDirectory("faults");
        output.WriteLine($"seed {Seed}: replay with FAULT_SEED={Seed}");
        var stack = new LokiStack();
        await using var _ = stack.ConfigureAwait(false);
        await stack.InitializeAsync();
        var gateway = new GatewaySetup(temp, stack.Loki);
        var root = temp.Folder("pods");
        using var writers = new WriterCrowd(root, count: 10, Seed);
        var setup = new ShipperSetup(temp, $"{root}/*/*/*.log", gateway.PushUrl, Endpoint);
        await FirstCheckpointAsync(setup);

        writers.Start();
        var lives = new ShipperLives(setup);
        var end = DateTimeOffset.UtcNow + ShortLength;
        var random = new Random(Seed);
        while (DateTimeOffset.UtcNow < end)
        {
            await using var process = gateway.Start();
            await lives.LiveAndDieAsync(TimeSpan.FromMilliseconds(random.Next(2_000, 6_000)));
            await process.KillAsync();
        }
        await writers.StopAsync();

        await using (await gateway.StartReadyAsync())
        await using (var last = await setup.StartReadyAsync())
        {
            var written = writers.All.SelectMany(writer => writer.Lines).Select(line => line.Text).Order(StringComparer.Ordinal).ToList();
            await Eventually.ValueAsync(() => Task.FromResult(stack.CountEntries("ops")), count => count >= written.Count, "all entries stored",
                TimeSpan.FromSeconds(90));
            await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), books => books is { InFlight: 0, Read: > 0 }, "nothing in flight");
            last.Terminate();
            Assert.Equal(0, await last.WaitExitAsync());
            var found = await LokiQuery.AllAsync(gateway.Address, "ops", "{container=\"app\"}");
            Assert.Equal(written, found.Select(entry => entry.Line).Order(StringComparer.Ordinal));
        }
    }

    private async Task RunAsync(TempDirectory temp, FaultRunPlan plan)
    {
        output.WriteLine($"seed {Seed}: replay with FAULT_SEED={Seed} FAULT_SECONDS={FullLength.TotalSeconds}");
        var endpoint = new FaultyEndpoint(Seed & 0xff);
        await using var sink = FaultSink.Start(endpoint.Answer);
        var root = temp.Folder("pods");
        // When a compressed file was made the kernel says, and its clock is not stepped.
        using var writers = new WriterCrowd(root, plan.Writers, Seed, compress: plan.Clock is null);
        var setup = new ShipperSetup(temp, $"{root}/*/*/*.log", sink.PushUrl, Endpoint, stateDirectory: plan.StateDirectory, environment: plan.Clock?.Environment);
        await FirstCheckpointAsync(setup);
        plan.AfterFirstCheckpoint?.Invoke();

        await using var watch = new BooksWatch(setup.Admin, Seed);
        writers.Start();
        var lives = new ShipperLives(setup);
        var random = new Random(Seed);
        var end = DateTimeOffset.UtcNow + plan.Length;
        var latest = end + 2 * plan.Length;
        while (DateTimeOffset.UtcNow < end || (!lives.HasSaved && DateTimeOffset.UtcNow < latest))
        {
            using var died = new CancellationTokenSource();
            var step = plan.Clock?.StepAsync(setup, writers.All, new Random(Seed + lives.Count), died.Token) ?? Task.CompletedTask;
            // One in four dies young; the others have time to save.
            await lives.LiveAndDieAsync(TimeSpan.FromMilliseconds(random.Next(4) == 0 ? random.Next(1_500) : random.Next(3_500, 6_500)));
            await died.CancelAsync();
            await step;
        }
        await writers.StopAsync();
        endpoint.Heal();
        output.WriteLine($"{writers.All.Sum(writer => writer.Count)} lines, {writers.All.Sum(writer => writer.Rotations)} rotations, {lives.Count} kills");

        await using (var last = await setup.StartReadyAsync())
        {
            try
            {
                var delivery = await Eventually.Value(() => Compare(writers, sink), seen => seen.IsExact, $"every line exactly once (seed {Seed})", TimeSpan.FromSeconds(90));
                output.WriteLine(delivery.ToString());
            }
            catch (EventuallyException)
            {
                foreach (var page in (string[])["/api/v1/losses", "/api/v1/files"]) output.WriteLine(await setup.PageAsync(page));
                output.WriteLine(last.Describe());
                throw;
            }
            await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), books => books is { InFlight: 0, Fault: null }, "closed books, nothing in flight");
            last.Terminate();
            Assert.Equal(0, await last.WaitExitAsync());
        }
        Assert.Empty(await watch.StopAsync());
        // How many there are in a second is the machine's business.
        Assert.True(watch.Snapshots > 0, "the books were never looked at");
        Assert.Empty(sink.Faults);
        // When something was saved, the shipper says by the clock that is stepped.
        if (plan.Clock is not null) return;
        var again = lives.SentAgain(sink.Stored());
        Assert.True(lives.Saved > 0, "no life had time to save: nothing was checked");
        Assert.True(again.Count == 0, $"{again.Count} lines were sent again although their positions were saved:\n{string.Join('\n', again.Take(10))}");
    }

    /// <summary>Refused lines may be stored nevertheless (sent again after a crash when the endpoint was in a better mood): present or not is right for them.</summary>
    private static Delivery Compare(WriterCrowd writers, FaultSink sink)
    {
        var delivery = Delivery.Compare(writers.All, sink.Stored());
        var refused = sink.RejectedLines;
        return delivery with { Missing = [.. delivery.Missing.Where(line => !refused.Contains(line))] };
    }

    /// <summary>Files that were rotated before there ever was a shipper are not its own: a first life comes before the first rotation.</summary>
    private static async Task FirstCheckpointAsync(ShipperSetup setup)
    {
        await using var first = await setup.StartReadyAsync();
        await Eventually.ValueAsync(setup.MetricsAsync, page => page.Sum("loki_shipper_checkpoint_timestamp_seconds") > 0, "the first checkpoint");
        await first.KillAsync();
    }

    private static int Number(string variable, int fallback) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var given) ? given : fallback;

    /// <summary>One run.</summary>
    private sealed record FaultRunPlan(int Writers, TimeSpan Length)
    {
        public string? StateDirectory { get; init; }

        public Action? AfterFirstCheckpoint { get; init; }

        public SteppedClock? Clock { get; init; }
    }
}
