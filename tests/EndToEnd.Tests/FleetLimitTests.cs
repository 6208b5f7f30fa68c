// One limit for the fleet, seen from outside: gateway processes, a real Redis, and load that moves from one gateway to another.
using System.Diagnostics;
using System.Net.Http.Headers;
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class FleetLimitTests
{
    private const int MiB = 1024 * 1024;
    private const int LineBytes = 16 * 1024;

    [Fact]
    public async Task SkewedAndShiftingLoad_IsAdmittedWithinTwoPercentOfTheByteLimit_ByThreeGateways()
    {
        const double Rate = 2 * MiB;
        const double Burst = 4 * MiB;
        await using FleetProcesses fleet = await FleetProcesses.StartAsync(3, "{ingestion_rate_mb: 2, ingestion_burst_size_mb: 4}");
        using var http = new HttpClient();
        byte[] push = PushRequests.Snappy(new LogStream("{app=\"a\"}", new LogEntry(PushRequests.Now(), new string('x', LineBytes))));
        // The first pushes of a process are compiled: a bucket that overflows meanwhile would be counted as starved.
        for (int i = 0; i < 60; i++) (await PostAsync(http, fleet.Gateways[i % 3], push, "warm")).Dispose();
        long admitted = 0;
        long refused = 0;
        var others = new List<string>();
        // Of 20 pushes so many go to each; every ten seconds another gateway has most of them.
        int[][] skews = [[16, 3, 1], [1, 16, 3], [7, 6, 7]];
        TimeSpan length = TimeSpan.FromSeconds(30);
        long startedAt = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, 12).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            while (Stopwatch.GetElapsedTime(startedAt) is var now && now < length)
            {
                int[] skew = skews[(int)(now.TotalSeconds / 10)];
                int dice = random.Next(20);
                int gateway = dice < skew[0] ? 0 : dice < skew[0] + skew[1] ? 1 : 2;
                using HttpResponseMessage answer = await PostAsync(http, fleet.Gateways[gateway], push);
                if ((int)answer.StatusCode == 204)
                {
                    Interlocked.Add(ref admitted, LineBytes);
                }
                else if ((int)answer.StatusCode == 429)
                {
                    Interlocked.Increment(ref refused);
                    // An agent that does not wait as it is told, and not one that spins either.
                    await Task.Delay(random.Next(5, 40));
                }
                else
                {
                    string said = $"{answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
                    lock (others) others.Add(said);
                }
            }
        })));
        double seconds = Stopwatch.GetElapsedTime(startedAt).TotalSeconds;
        Assert.Empty(others);
        Assert.True(refused > 100, $"the load was no load: {refused} refused");
        double most = Rate * seconds + Burst;
        TestContext.Current.TestOutputHelper?.WriteLine($"admitted {admitted / most:P2} of {most / MiB:F1} MiB in {seconds:F1} s, {refused} pushes refused");
        Assert.InRange(admitted, 0.98 * (Rate * length.TotalSeconds + Burst), most);
        Assert.All(await fleet.DegradedAsync(), static degraded => Assert.Equal(0, degraded));
    }

    [Fact]
    public async Task NewStreamsOnThreeGateways_NeverBecomeMoreThanTheLimit_AndReachIt()
    {
        const int Limit = 5000;
        await using FleetProcesses fleet = await FleetProcesses.StartAsync(3,
            $"{{ingestion_rate_mb: 1000, ingestion_burst_size_mb: 1000, max_global_streams_per_user: {Limit}}}");
        using var http = new HttpClient();
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            while (true)
            {
                int from = Interlocked.Add(ref next, 40) - 40;
                if (from > Limit * 3 / 2) return;
                int gateway = random.Next(20) switch { < 16 => 0, < 19 => 1, _ => 2 };
                using HttpResponseMessage answer = await PostAsync(http, fleet.Gateways[gateway], StreamsFrom(from, 40));
                Assert.True((int)answer.StatusCode is 204 or 429, $"{answer.StatusCode}");
            }
        })));
        Assert.InRange(Stored(fleet), Limit * 0.9, Limit);
        // What one gateway had set aside for itself and did not use comes back to the others.
        await Eventually.TrueAsync(async () =>
        {
            using HttpResponseMessage answer = await PostAsync(http, fleet.Gateways[2], StreamsFrom(Interlocked.Add(ref next, 40) - 40, 40));
            Assert.InRange(Stored(fleet), 0, Limit * 1.005);
            return Stored(fleet) >= Limit;
        }, "the limit is reached", () => $"{Stored(fleet)} of {Limit}");
        Assert.All(await fleet.DegradedAsync(), static degraded => Assert.Equal(0, degraded));
    }

    [Fact]
    public async Task RedisKilledAndStartedAgain_FailsNoPush_ShowsWithinASecond_AndIsOverByItself()
    {
        await using FleetProcesses fleet = await FleetProcesses.StartAsync(3, "{ingestion_rate_mb: 100, ingestion_burst_size_mb: 100, max_global_streams_per_user: 1000}");
        using var http = new HttpClient();
        using var stop = new CancellationTokenSource();
        var statuses = new List<int>();
        Task[] load = [.. Enumerable.Range(0, 6).Select(worker => Task.Run(async () =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                // New streams and known ones, a third of the limit in all.
                using HttpResponseMessage answer = await PostAsync(http, fleet.Gateways[worker % 3], StreamsFrom(worker * 50 + i % 50, 1));
                lock (statuses) statuses.Add((int)answer.StatusCode);
                await Task.Delay(5);
            }
        }))];
        await Eventually.True(() => Count(statuses) > 200, "pushes are under way");
        for (int outage = 0; outage < 2; outage++)
        {
            // Once its process is gone, once it hangs.
            long startedAt = Stopwatch.GetTimestamp();
            if (outage == 0) await fleet.Redis.KillAsync();
            else fleet.Redis.Freeze();
            await Eventually.TrueAsync(async () => (await fleet.DegradedAsync()).All(static degraded => degraded == 1), "every gateway says that it counts by itself");
            TestContext.Current.TestOutputHelper?.WriteLine($"degraded after {Stopwatch.GetElapsedTime(startedAt).TotalMilliseconds:F0} ms");
            int before = Count(statuses);
            await Eventually.True(() => Count(statuses) > before + 200, "pushes go on");
            if (outage == 0) await fleet.Redis.StartAgainAsync();
            else fleet.Redis.Thaw();
            await Eventually.TrueAsync(async () => (await fleet.DegradedAsync()).All(static degraded => degraded == 0), "every gateway shares again");
        }

        await stop.CancelAsync();
        await Task.WhenAll(load);
        Assert.Equal([204], statuses.Distinct());
        // Told again, after it came back empty: it knows all that was pushed.
        await Eventually.TrueAsync(async () =>
        {
            int active = 0;
            for (int i = 0; i < 8; i++) active += int.Parse(await fleet.Redis.CommandAsync("ZCARD", $"loki-gateway:{{ops}}:streams:{i}"));
            return active == Stored(fleet);
        }, "Redis knows all streams again");
        foreach (string log in fleet.Logs)
        {
            // One at each change, of which a busy machine may make one more; not one for each of hundreds of pushes.
            Assert.InRange(Lines("limits_store cannot be used"), 2, 4);
            Assert.InRange(Lines("limits_store can be used again"), 2, 4);

            int Lines(string text) => log.Split('\n').Count(line => line.Contains(text, StringComparison.Ordinal));
        }
    }

    private static int Count(List<int> statuses)
    {
        lock (statuses) return statuses.Count;
    }

    private static int Stored(FleetProcesses fleet) => fleet.Loki.Stored().Select(static entry => entry.Labels).Distinct().Count();

    private static byte[] StreamsFrom(int first, int count) =>
        PushRequests.Snappy([.. Enumerable.Range(first, count).Select(static i => new LogStream($"{{app=\"a\", n=\"{i}\"}}", new LogEntry(PushRequests.Now(), "line")))]);

    private static Task<HttpResponseMessage> PostAsync(HttpClient http, GatewaySetup gateway, byte[] push, string tenant = "ops")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, gateway.PushUrl) { Content = new ByteArrayContent(push) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        request.Headers.Add("X-Scope-OrgID", tenant);
        return http.SendAsync(request);
    }
}
