// A limit on active streams that several gateways share through a real Redis.
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Admit.Redis;
using LokiGateway.Hosting.Limits;
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests.Admit.Redis;

public sealed class FleetStreamsTests
{
    [Fact]
    public async Task StreamOfOneGateway_IsKnownToTheOthers_AndNewOnesFindTheRoomOfTheWholeFleet()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        var limits = new TenantLimits { MaxGlobalStreamsPerUser = 20 };
        await using FleetMember one = await FleetMember.JoinAsync(redis, limits);
        await using FleetMember two = await FleetMember.JoinAsync(redis, limits);
        ulong[] streams = FleetMember.NewStreams(25);
        Assert.Empty(await one.AdmitAsync(streams[..15]));
        Assert.Equal(streams[20..], await two.AdmitAsync(streams[15..]));
        // Those of the other gateway and its own, though the fleet is full.
        Assert.Empty(await two.AdmitAsync(streams[..20]));
        Assert.Empty(await one.AdmitAsync(streams[10..20]));
        Assert.Equal(streams[20..22], await one.AdmitAsync(streams[..22]));
    }

    [Fact]
    public async Task FarFromTheLimit_OnlyTheFirstPushWaits_AndEveryStreamIsAnnounced()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, new TenantLimits { MaxGlobalStreamsPerUser = 30_000 });
        Assert.Empty(await gateway.AdmitAsync(FleetMember.NewStreams(1)));
        Assert.Equal(1, await gateway.WaitsAsync("streams"));
        for (int i = 1; i <= 200; i++)
        {
            // As fast as room is set aside: more in the time of an answer than the allowance would have to wait.
            await Eventually.True(() => gateway.Tenant().Fleet!.Streams.Allowance >= 10, "room is set aside for this gateway");
            Assert.Empty(await gateway.AdmitAsync(FleetMember.NewStreams(10)));
        }

        Assert.Equal(1, await gateway.WaitsAsync("streams"));
        await Eventually.TrueAsync(async () => await ActiveAsync(redis) == 2001, "all are announced");
    }

    [Fact]
    public async Task GatewaysInAStormOfNewStreams_NeverPassMoreThanTheLimit_AndReachIt()
    {
        const int Limit = 3000;
        await using RedisServer redis = await RedisServer.StartAsync();
        var limits = new TenantLimits { MaxGlobalStreamsPerUser = Limit };
        await using FleetMember one = await FleetMember.JoinAsync(redis, limits);
        await using FleetMember two = await FleetMember.JoinAsync(redis, limits);
        await using FleetMember three = await FleetMember.JoinAsync(redis, limits);
        FleetMember[] fleet = [one, two, three];
        ulong[] streams = FleetMember.NewStreams(2 * Limit);
        var passed = new HashSet<ulong>();
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, 6).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            while (true)
            {
                int count = random.Next(1, 60);
                int from = Interlocked.Add(ref next, count) - count;
                if (from >= streams.Length) return;
                ulong[] push = streams[from..Math.Min(streams.Length, from + count)];
                // Most come by one gateway.
                List<ulong> refused = await fleet[random.Next(10) switch { < 8 => 0, 8 => 1, _ => 2 }].AdmitAsync(push);
                lock (passed) passed.UnionWith(push.Except(refused));
            }
        })));
        Assert.InRange(passed.Count, Limit - Limit / 10, Limit);
        // Room that was set aside comes back.
        await Eventually.TrueAsync(async () =>
        {
            ulong[] more = FleetMember.NewStreams(50);
            passed.UnionWith(more.Except(await three.AdmitAsync(more)));
            Assert.InRange(passed.Count, 0, Limit);
            return passed.Count == Limit;
        }, "the limit is reached");
        await Eventually.TrueAsync(async () => await ActiveAsync(redis) == Limit, "Redis knows all of them");
    }

    [Fact]
    public async Task RedisThatForgotEverything_IsToldAgain_AndKnownStreamsPassMeanwhile()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, new TenantLimits { MaxGlobalStreamsPerUser = 6000 });
        ulong[] streams = FleetMember.NewStreams(5000);
        Assert.Empty(await gateway.AdmitAsync(streams));
        await redis.CommandAsync("FLUSHALL");
        Assert.Empty(await gateway.AdmitAsync(streams));
        // A new stream makes it ask, and so find out.
        Assert.Empty(await gateway.AdmitAsync(FleetMember.NewStreams(1)));
        await Eventually.TrueAsync(async () => await ActiveAsync(redis) >= 5000, "all are announced again");
        Assert.Empty(await gateway.AdmitAsync(streams));
        Assert.False(gateway.Store.IsDegraded);
    }

    [Fact]
    public async Task RedisThatRestartedEmpty_IsToldAgain_WithoutANewStream()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, new TenantLimits { MaxGlobalStreamsPerUser = 1000 });
        Assert.Empty(await gateway.AdmitAsync(FleetMember.NewStreams(500)));
        await redis.KillAsync();
        await gateway.BecomesAsync(degraded: true);
        // Its share, and no more: a third of 1000 is less than what it knows.
        Assert.Single(await gateway.AdmitAsync(FleetMember.NewStreams(1)));
        await redis.StartAgainAsync();
        await gateway.BecomesAsync(degraded: false);
        await Eventually.TrueAsync(async () => await ActiveAsync(redis) == 500, "all are announced again");
        await Eventually.TrueAsync(async () => (await gateway.AdmitAsync(FleetMember.NewStreams(1))).Count == 0, "new streams find room again");
    }

    [Fact]
    public async Task UnlimitedTenant_CostsNoRequest()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, new TenantLimits { MaxGlobalStreamsPerUser = 0 });
        Assert.Empty(await gateway.AdmitAsync(FleetMember.NewStreams(1000)));
        Assert.Equal(0, await gateway.WaitsAsync("streams"));
        Assert.Equal(0, await ActiveAsync(redis));
    }

    [Fact]
    public async Task StreamsThatExpired_MakeRoom()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, new TenantLimits { MaxGlobalStreamsPerUser = 10 });
        // Another gateway's, last seen 32 and 30 minutes ago by Redis's clock.
        long minute = long.Parse((await redis.CommandAsync("TIME")).Split('\n')[0]) / 60;
        for (int i = 0; i < 10; i++)
        {
            long seen = minute - (i < 4 ? StreamTable.ActiveMinutes + 2 : 30);
            await redis.CommandAsync("ZADD", $"loki-gateway:{{ops}}:streams:{i % LimitScripts.Partitions}", $"{seen}", $"stream-{i}");
        }

        Assert.Single(await gateway.AdmitAsync(FleetMember.NewStreams(5)));
    }

    internal static async Task<int> ActiveAsync(RedisServer redis)
    {
        int active = 0;
        for (int i = 0; i < LimitScripts.Partitions; i++) active += int.Parse(await redis.CommandAsync("ZCARD", $"loki-gateway:{{ops}}:streams:{i}"));
        return active;
    }
}
