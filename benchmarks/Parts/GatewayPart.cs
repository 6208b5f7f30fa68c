// The gateway on its own: ready-made 1 MiB pushes of several tenants from a load generator, through loki-gateway, to a null upstream.
// Beside it a bare Kestrel forwarder under the same load, and the latency that the gateway adds at half of what it can take.
using LokiGateway.Benchmarks.Native;
using LokiGateway.Benchmarks.Report;
using LokiGateway.Benchmarks.Run;

namespace LokiGateway.Benchmarks.Parts;

internal static class GatewayPart
{
    /// <summary>As many as a few nodes' shippers with four shards each keep open.</summary>
    private const int Connections = 8;

    /// <summary>Long enough that 10 ms of CPU-clock resolution do not count and that the heap has settled.</summary>
    private const double Seconds = 6;

    private const double WarmupSeconds = 2;

    /// <summary>The load generator's, named tenant-0 and so on.</summary>
    private const int Tenants = 4;

    public static async Task RunAsync(BenchmarkSession session)
    {
        await RunKestrelAsync(session);

        double allocated = 0;
        IReadOnlyList<Sample> samples = await session.RepeatAsync("loki-gateway under load", async () =>
        {
            await using ListeningWorker upstream = await Workers.StartSinkAsync(session.Binaries, countLines: false, session.Cancellation);
            await using Server gateway = await Servers.StartGatewayAsync(
                session.Binaries, session.NewFolder("gateway"), upstream.PushUrl, session.Cancellation);
            double allocatedBefore = 0, allocatedAfter = 0;
            (Sample sample, LoadReport report) = await LoadAsync(session, gateway.Child, Plan(session, gateway.PushUrl, rate: 0),
                async () => allocatedBefore = await gateway.AllocatedBytesAsync(session.Cancellation),
                async () => allocatedAfter = await gateway.AllocatedBytesAsync(session.Cancellation));
            allocated = (allocatedAfter - allocatedBefore) / report.Lines;
            return sample;
        });
        var result = new Result("gateway", "loki-gateway, 1 MiB pushes, 4 tenants", samples, allocated, ShipsLogs: false);
        session.Add(result);
        await MeasureEverythingAsync(session);
        await MeasureLatencyAsync(session, pushesPerSecond: result.Median(sample => sample.BytesPerSecond) / (1 << 20) / 2);
    }

    /// <summary>The same load with a proof of identity, limits shared through Redis and a shipper's books on each push.</summary>
    private static async Task MeasureEverythingAsync(BenchmarkSession session)
    {
        const string Token = "a-token-that-is-as-long-as-a-generated-one-is";
        string[] tenants = [.. Enumerable.Range(0, Tenants).Select(static index => $"tenant-{index}")];
        string folder = session.NewFolder("redis");
        (ChildProcess Child, int Port)? redis = Servers.TryStartRedis(folder);
        string credentials = await Servers.WriteCredentialsAsync(session.Binaries, folder, Token, tenants, session.Cancellation);
        string store = redis is { } one ? $"{{kind: redis, address: \"127.0.0.1:{one.Port}\", replicas: 3}}" : "{kind: local}";
        string name = $"loki-gateway, static auth, {(redis is null ? "no redis-server here" : "redis limits")}, stamps";
        double allocated = 0;
        try
        {
            IReadOnlyList<Sample> samples = await session.RepeatAsync(name, async () =>
            {
                await using ListeningWorker upstream = await Workers.StartSinkAsync(session.Binaries, countLines: false, session.Cancellation);
                await using Server gateway = await Servers.StartGatewayAsync(session.Binaries, session.NewFolder("gateway"), upstream.PushUrl, session.Cancellation,
                    auth: $"{{mode: static, credentials_file: \"{credentials}\"}}", store: store);
                double allocatedBefore = 0, allocatedAfter = 0;
                (Sample sample, LoadReport report) = await LoadAsync(session, gateway.Child, Plan(session, gateway.PushUrl, rate: 0) with { Token = Token, IsStamped = true },
                    async () => allocatedBefore = await gateway.AllocatedBytesAsync(session.Cancellation),
                    async () => allocatedAfter = await gateway.AllocatedBytesAsync(session.Cancellation));
                allocated = (allocatedAfter - allocatedBefore) / report.Lines;
                return sample;
            });
            session.Add(new Result("gateway_everything", name, samples, allocated, ShipsLogs: false));
        }
        finally
        {
            if (redis is { } running) await running.Child.DisposeAsync();
        }
    }

    private static async Task RunKestrelAsync(BenchmarkSession session)
    {
        const string name = "bare Kestrel: copy, decode, walk, forward";
        IReadOnlyList<Sample> samples = await session.RepeatAsync(name, async () =>
        {
            await using ListeningWorker upstream = await Workers.StartSinkAsync(session.Binaries, countLines: false, session.Cancellation);
            await using ListeningWorker kestrel = await Workers.StartKestrelAsync(session.Binaries, upstream.PushUrl, session.Cancellation);
            return (await LoadAsync(session, kestrel.Child, Plan(session, kestrel.PushUrl, rate: 0))).Sample;
        });
        session.Add(new Result("kestrel", name, samples, ShipsLogs: false));
    }

    /// <summary>Added latency is the difference between the same load sent through the gateway and sent to the upstream itself.</summary>
    private static async Task MeasureLatencyAsync(BenchmarkSession session, double pushesPerSecond)
    {
        var p50 = new List<double>();
        var p99 = new List<double>();
        for (int repetition = 1; repetition <= session.Options.Repeat; repetition++)
        {
            using ProgressStep step = session.Progress.Begin($"loki-gateway at half load, {repetition} of {session.Options.Repeat}");
            await using ListeningWorker upstream = await Workers.StartSinkAsync(session.Binaries, countLines: false, session.Cancellation);
            LoadReport direct = await LoadAsync(session, Plan(session, upstream.PushUrl, pushesPerSecond));
            await using Server gateway = await Servers.StartGatewayAsync(
                session.Binaries, session.NewFolder("gateway"), upstream.PushUrl, session.Cancellation);
            LoadReport through = await LoadAsync(session, Plan(session, gateway.PushUrl, pushesPerSecond));
            p50.Add(through.P50Ms - direct.P50Ms);
            p99.Add(through.P99Ms - direct.P99Ms);
        }
        double offered = pushesPerSecond * (1 << 20) / 1e6;
        session.Add(new Figure("gateway_half_load_mb_per_second", "gateway at half load: offered", offered, "MB/s"));
        session.Add(new Figure("gateway_added_p50_ms", "gateway at half load: p50 added latency", Median(p50), "ms"));
        session.Add(new Figure("gateway_added_p99_ms", "gateway at half load: p99 added latency", Median(p99), "ms"));
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }

    private static LoadPlan Plan(BenchmarkSession session, Uri url, double rate) =>
        new(session.Logs.Folder, url, Connections, Seconds, WarmupSeconds, rate);

    private static Task<LoadReport> LoadAsync(BenchmarkSession session, LoadPlan plan) =>
        Workers.LoadAsync(session.Binaries, plan, () => Task.CompletedTask, () => Task.CompletedTask, session.Cancellation);

    private static async Task<(Sample Sample, LoadReport Report)> LoadAsync(
        BenchmarkSession session, ChildProcess measured, LoadPlan plan, Func<Task>? before = null, Func<Task>? after = null)
    {
        double cpuBefore = 0, cpuAfter = 0;
        LoadReport report = await Workers.LoadAsync(
            session.Binaries,
            plan,
            async () =>
            {
                if (before is not null) await before();
                cpuBefore = measured.CpuSeconds;
            },
            async () =>
            {
                cpuAfter = measured.CpuSeconds;
                if (after is not null) await after();
            },
            session.Cancellation);
        return (new Sample(report.Bytes, report.Lines, report.Seconds, cpuAfter - cpuBefore, measured.PeakBytes), report);
    }
}
