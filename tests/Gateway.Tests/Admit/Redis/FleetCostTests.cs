// What sharing limits costs a gateway while they are far away: no memory per entry, no memory per stream beyond its slot, and no question to Redis.
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Receive;
using LokiGateway.Hosting.Limits;
using LokiGateway.Protocol.Push;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LokiGateway.Gateway.Tests.Admit.Redis;

[Collection(nameof(MeasuresMemory))]
public sealed class FleetCostTests
{
    [Fact]
    public async Task AdmittingAPush_AllocatesNothingPerEntryAndPerStream_FarFromTheLimits()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(
            redis, new TenantLimits { IngestionRateMb = 1e4, IngestionBurstSizeMb = 1e4, MaxGlobalStreamsPerUser = 100_000 });
        var memory = new BodyMemory(64 << 20);
        var admission = new Admission(memory, gateway.Tenants, ShadowMode.None, ByteCounting.Lines, TimeProvider.System, NullLogger.Instance);
        Tenant tenant = gateway.Tenant();
        double small = AllocatedBy(streams: 1, entries: 10);
        double large = AllocatedBy(streams: 100, entries: 60);
        Assert.Equal(small, large);
        Assert.InRange(large, 0, 256);

        double AllocatedBy(int streams, int entries)
        {
            byte[] push = PushRequests.Protobuf([.. Enumerable.Range(0, streams).Select(s => new LogStream(
                $"{{app=\"shop\", pod=\"shop-{s}\"}}", [.. Enumerable.Range(0, entries).Select(static _ => new LogEntry(PushRequests.Now(), "a line"))]))]);
            var summary = default(PushSummary);
            Assert.Equal(PushError.None, PushSummary.TryRead(push, ref summary));
            return Allocations.LeastPerCall(() =>
            {
                ValueTask<Verdict> admitting = admission.AdmitAsync(tenant, push, default, summary);
                // The first ones wait, and one that happens to lease ahead or to renew allocates: the least is what counts.
                Verdict verdict = admitting.IsCompletedSuccessfully ? admitting.Result : admitting.AsTask().GetAwaiter().GetResult();
                return verdict is { Refusal: null, Partial: null };
            });
        }
    }

    [Fact]
    public async Task HundredThousandStreams_TakeLessThan16MiB_AndHalfAMillionPushesOfThemAskNobody()
    {
        const int MeasurementsMax = 5;
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, new TenantLimits { MaxGlobalStreamsPerUser = 120_000 * MeasurementsMax });
        ulong[] streams = [];
        var push = new ulong[1000];
        long held = 0;
        int announced = 0;
        // A heap that has shrunk meanwhile let something of an earlier test go (pools are trimmed by the clock), and says nothing of the streams.
        for (int i = 0; i < MeasurementsMax && held <= 0; i++)
        {
            streams = FleetMember.NewStreams(100_000);
            announced += streams.Length;
            Assert.Empty(await gateway.AdmitAsync(streams[..1]));
            long before = GC.GetTotalMemory(forceFullCollection: true);
            for (int from = 0; from < streams.Length; from += push.Length) Assert.Equal(0, await AdmitAsync(from));
            await Eventually.TrueAsync(async () => await FleetStreamsTests.ActiveAsync(redis) == announced, "all are announced");
            held = GC.GetTotalMemory(forceFullCollection: true) - before;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{held / 1024.0 / 1024.0:F1} MiB for 100,000 streams");
        Assert.InRange(held, 1, 16 * 1024 * 1024);
        GC.KeepAlive(streams);

        double waits = await gateway.WaitsAsync("streams");
        for (int round = 0; round < 5; round++)
        {
            for (int from = 0; from < streams.Length; from += push.Length) Assert.Equal(0, await AdmitAsync(from));
        }

        Assert.Equal(waits, await gateway.WaitsAsync("streams"));

        ValueTask<int> AdmitAsync(int from)
        {
            streams.AsSpan(from, push.Length).CopyTo(push);
            return gateway.Tenant().Fleet!.Streams.AdmitAsync(push, gateway.Tenants.Minute);
        }
    }
}
