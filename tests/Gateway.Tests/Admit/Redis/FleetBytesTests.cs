// A byte budget that several gateways share through a real Redis.
using LokiGateway.Hosting.Limits;
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests.Admit.Redis;

public sealed class FleetBytesTests
{
    private const int MiB = 1024 * 1024;

    [Fact]
    public async Task FarFromTheLimit_OnlyTheFirstPushWaits()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, new TenantLimits { IngestionRateMb = 100, IngestionBurstSizeMb = 100 });
        Assert.True((await gateway.TakeAsync(1000)).Admitted);
        Assert.Equal(1, await gateway.WaitsAsync("bytes"));
        for (int i = 0; i < 2000; i++)
        {
            // As fast as Redis answers: more in that time than a slice holds would have to wait.
            await Eventually.True(() => gateway.Tenant().Fleet!.Bytes.Lease.Available >= 1000, "bytes are leased ahead");
            ValueTask<(bool Admitted, TimeSpan?)> push = gateway.Tenant().Fleet!.Bytes.TakeAsync(1000);
            Assert.True(push.IsCompletedSuccessfully);
            Assert.True((await push).Admitted);
        }

        Assert.Equal(1, await gateway.WaitsAsync("bytes"));
    }

    [Fact]
    public async Task BurstIsOne_ForTheWholeFleet_AndRetryAfterComesFromTheSharedBucket()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        var limits = new TenantLimits { IngestionRateMb = 0.01, IngestionBurstSizeMb = 1 };
        await using FleetMember one = await FleetMember.JoinAsync(redis, limits);
        await using FleetMember two = await FleetMember.JoinAsync(redis, limits);
        Assert.True((await one.TakeAsync(MiB / 2)).Admitted);
        Assert.True((await two.TakeAsync(MiB / 4)).Admitted);
        Assert.True((await one.TakeAsync(MiB / 8)).Admitted);
        (bool admitted, TimeSpan? retryAfter) = await two.TakeAsync(MiB / 4);
        Assert.False(admitted);
        // An eighth is missing at least, at a hundredth a second; what the other gateway holds comes on top.
        Assert.InRange(retryAfter!.Value.TotalSeconds, 11, 26);
        (admitted, retryAfter) = await two.TakeAsync(MiB + 1);
        Assert.False(admitted);
        Assert.Null(retryAfter);
        // Nothing was consumed, and nothing is kept from anybody: what one gateway leased and does not use comes back.
        await Eventually.TrueAsync(async () => (await two.TakeAsync(MiB / 8)).Admitted, "what the other gateway does not use comes back");
    }

    [Fact]
    public async Task TenantsWithAnyName_AreSeparate_AndTheirKeysLieInOneSlotOfACluster_AndExpire()
    {
        // Of one node: it refuses a script whose keys lie in several slots like any other.
        await using RedisServer redis = await RedisServer.StartAsync("--cluster-enabled", "yes");
        Assert.Equal("OK", await redis.CommandAsync("CLUSTER", "ADDSLOTSRANGE", "0", "16383"));
        await Eventually.TrueAsync(async () => (await redis.CommandAsync("CLUSTER", "INFO")).Contains("cluster_state:ok", StringComparison.Ordinal), "the cluster is up");
        var limits = new TenantLimits { IngestionRateMb = 0.001, IngestionBurstSizeMb = 1, MaxGlobalStreamsPerUser = 10 };
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, limits);
        string[] names = ["ops", "a!-_.*'()", new string('x', 150), "9"];
        foreach (string name in names)
        {
            Assert.True((await gateway.TakeAsync(MiB, name)).Admitted);
            Assert.False((await gateway.TakeAsync(MiB, name)).Admitted);
            Assert.Empty(await gateway.AdmitAsync(FleetMember.NewStreams(5), name));
        }

        Assert.Equal("", gateway.Log.Text);
        string[] keys = (await redis.CommandAsync("KEYS", "*")).Split('\n');
        Assert.All(keys, static key => Assert.StartsWith("loki-gateway:", key, StringComparison.Ordinal));
        foreach (string name in names)
        {
            string[] own = [.. keys.Where(key => key.Contains($"{{{name}}}", StringComparison.Ordinal))];
            Assert.InRange(own.Length, 3, 10);
            var slots = new HashSet<int>();
            foreach (string key in own) slots.Add(int.Parse(await redis.CommandAsync("CLUSTER", "KEYSLOT", key)));
            Assert.Single(slots);
        }

        foreach (string key in keys) Assert.InRange(long.Parse(await redis.CommandAsync("PTTL", key)), 1, 86_400_000);
    }

    [Fact]
    public async Task ChangedLimit_HoldsForTheFleet()
    {
        using var directory = new TempDirectory("redis");
        string file = directory.Write("overrides.yaml", "overrides: {ops: {ingestion_rate_mb: 0.001, ingestion_burst_size_mb: 1}}");
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, new TenantLimits(), overrides: file);
        Assert.True((await gateway.TakeAsync(MiB)).Admitted);
        Assert.False((await gateway.TakeAsync(1000)).Admitted);
        directory.Write("overrides.yaml", "overrides: {ops: {ingestion_rate_mb: 100, ingestion_burst_size_mb: 200}}");
        await Eventually.TrueAsync(async () => (await gateway.TakeAsync(2 * MiB)).Admitted, "the new limit is in force");
    }

    [Fact]
    public async Task PushesAtTheSameTime_TakeNoByteTwice()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        var limits = new TenantLimits { IngestionRateMb = 0.0001, IngestionBurstSizeMb = 1 };
        await using FleetMember one = await FleetMember.JoinAsync(redis, limits);
        await using FleetMember two = await FleetMember.JoinAsync(redis, limits);
        long admitted = 0;
        FleetMember[] fleet = [one, two];
        await Task.WhenAll(Enumerable.Range(0, 16).Select(worker => Task.Run(async () =>
        {
            for (int i = 0; i < 200; i++)
            {
                if ((await fleet[worker % 2].TakeAsync(1024)).Admitted) Interlocked.Add(ref admitted, 1024);
            }
        })));
        // 2 % below: what lies unused in the slices at the end.
        Assert.InRange(admitted, MiB - MiB / 50, MiB + 1024);
        Assert.False(one.Store.IsDegraded || two.Store.IsDegraded);
    }
}
