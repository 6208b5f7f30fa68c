// A Redis in every kind of trouble that an operator knows: pushes go on, the reason is said once, and all is as before when the trouble is over.
using LokiGateway.Gateway.Admit.Redis;
using LokiGateway.Hosting.Limits;
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests.Admit.Redis;

public sealed class RedisStoreTests
{
    private static readonly TenantLimits Limits = new() { IngestionRateMb = 1, IngestionBurstSizeMb = 1, MaxGlobalStreamsPerUser = 100 };

    [Fact]
    public async Task KilledRedis_IsNoticedWithoutAPush_AndComesBackByItself_WithOneLineEach()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, Limits);
        Assert.False(gateway.Store.IsDegraded);
        Assert.Equal(0, await gateway.MetricAsync("loki_gateway_limits_store_degraded"));
        Assert.Equal(1024 * 1024, gateway.Tenant().BytesPerSecond);
        await redis.KillAsync();
        await gateway.BecomesAsync(degraded: true);
        Assert.Equal(1, await gateway.MetricAsync("loki_gateway_limits_store_degraded"));
        Assert.Equal((1024.0 * 1024 / 3, 33), (gateway.Tenant().BytesPerSecond, gateway.Tenant().StreamsMax));
        for (int i = 0; i < 100; i++) Assert.True((await gateway.TakeAsync(1000)).Admitted);
        await redis.StartAgainAsync();
        await gateway.BecomesAsync(degraded: false);
        Assert.Equal(0, await gateway.MetricAsync("loki_gateway_limits_store_degraded"));
        Assert.True((await gateway.TakeAsync(1000)).Admitted);
        Assert.Single(gateway.Log.Lines, static line => line.Contains("reason=unreachable", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(2, gateway.Log.Lines.Count);
        Assert.Contains("can be used again", gateway.Log.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void RedisThatHangs_IsNoticedWithinASecond_WhateverTheTimeout() =>
        Assert.InRange(RedisStore.ProbePeriod + RedisOptions.TimeoutMax, TimeSpan.Zero, TimeSpan.FromSeconds(0.8));

    [Fact]
    public async Task FrozenRedis_IsSlow_AndNoPushWaitsLongerThanTheTimeout()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, Limits, change: static options => options with { Timeout = TimeSpan.FromMilliseconds(100) });
        redis.Freeze();
        // Ahead of the probe: the push itself finds out.
        Assert.True((await gateway.TakeAsync(500_000)).Admitted);
        await gateway.BecomesAsync(degraded: true);
        Assert.True((await gateway.TakeAsync(1000)).Admitted);
        Assert.Empty(await gateway.AdmitAsync(FleetMember.NewStreams(10)));
        Assert.Single(gateway.Log.Lines, static line => line.Contains("reason=slow", StringComparison.OrdinalIgnoreCase));
        redis.Thaw();
        await gateway.BecomesAsync(degraded: false);
    }

    [Fact]
    public async Task PausedRedis_IsSlow()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, Limits, change: static options => options with { Timeout = TimeSpan.FromMilliseconds(100) });
        await redis.CommandAsync("CLIENT", "PAUSE", "1500", "WRITE");
        await gateway.BecomesAsync(degraded: true);
        Assert.True((await gateway.TakeAsync(1000)).Admitted);
        await gateway.BecomesAsync(degraded: false);
        Assert.Single(gateway.Log.Lines, static line => line.Contains("reason=slow", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task FlushedScripts_AreLoadedAgain_WithoutAFailure()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        var limits = new TenantLimits { IngestionRateMb = 1000, IngestionBurstSizeMb = 1, MaxGlobalStreamsPerUser = 100 };
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, limits);
        for (int flush = 0; flush < 20; flush++)
        {
            // Each more than a slice holds, several at once.
            Task<(bool, TimeSpan?)>[] pushes = [.. Enumerable.Range(0, 8).Select(_ => gateway.TakeAsync(1000_000))];
            await redis.CommandAsync("SCRIPT", "FLUSH");
            await Task.WhenAll(pushes);
            await gateway.AdmitAsync(FleetMember.NewStreams(10));
        }

        Assert.Equal("", gateway.Log.Text);
        Assert.Equal(0, await gateway.MetricAsync("loki_gateway_limits_store_failures_total"));
    }

    [Fact]
    public async Task ReplicaInstead_IsReadOnly_UntilItIsThePrimary()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, Limits);
        await redis.CommandAsync("REPLICAOF", "127.0.0.1", "1");
        await gateway.BecomesAsync(degraded: true);
        Assert.True((await gateway.TakeAsync(1000)).Admitted);
        await Eventually.TrueAsync(async () => await gateway.MetricAsync("loki_gateway_limits_store_failures_total", ("reason", "read_only")) > 0, "it is known to be a replica",
            () => gateway.Log.Text);
        Assert.Single(gateway.Log.Lines, static line => line.Contains("reason=read_only", StringComparison.OrdinalIgnoreCase));
        await redis.CommandAsync("REPLICAOF", "NO", "ONE");
        await gateway.BecomesAsync(degraded: false);
    }

    [Fact]
    public async Task FullRedis_IsOutOfMemory_UntilThereIsRoom()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, Limits);
        await redis.CommandAsync("CONFIG", "SET", "maxmemory", "1");
        await gateway.BecomesAsync(degraded: true);
        Assert.True((await gateway.TakeAsync(1000)).Admitted);
        Assert.Single(gateway.Log.Lines, static line => line.Contains("reason=out_of_memory", StringComparison.OrdinalIgnoreCase));
        await redis.CommandAsync("CONFIG", "SET", "maxmemory", "0");
        await gateway.BecomesAsync(degraded: false);
    }

    [Fact]
    public async Task WrongPassword_IsAccessDenied_UntilTheFileHasTheRightOne_AndIsNeverSaid()
    {
        using var directory = new TempDirectory("redis");
        string file = directory.Write("password", "wrong-secret\n");
        await using RedisServer redis = await RedisServer.StartAsync("--requirepass", "right-secret");
        redis.Password = "right-secret";
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, Limits, change: options => options with { PasswordFile = file });
        await gateway.BecomesAsync(degraded: true);
        Assert.True((await gateway.TakeAsync(1000)).Admitted);
        await Eventually.TrueAsync(
            async () => await gateway.MetricAsync("loki_gateway_limits_store_failures_total", ("reason", "access_denied")) > 0,
            "the password is what is wrong", () => gateway.Log.Text);
        directory.Write("password", "right-secret\n");
        await gateway.BecomesAsync(degraded: false);
        Assert.Single(gateway.Log.Lines, static line => line.Contains("reason=access_denied", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain("secret", gateway.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RotatedPassword_HoldsForTheNextConnection()
    {
        using var directory = new TempDirectory("redis");
        string file = directory.Write("password", "first");
        await using RedisServer redis = await RedisServer.StartAsync("--requirepass", "first");
        redis.Password = "first";
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, Limits, change: options => options with { PasswordFile = file });
        Assert.False(gateway.Store.IsDegraded);
        await redis.CommandAsync("CONFIG", "SET", "requirepass", "second");
        redis.Password = "second";
        directory.Write("password", "second");
        Assert.True((await gateway.TakeAsync(500_000)).Admitted);
        await redis.CommandAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        // Only a connection that was let in has its name.
        await Eventually.TrueAsync(
            async () => !gateway.Store.IsDegraded && (await redis.CommandAsync("CLIENT", "LIST")).Contains("name=loki-gateway", StringComparison.Ordinal),
            "it comes back with the new password", () => gateway.Log.Text);
    }

    [Fact]
    public async Task UserOfTheAcl_IsTakenByNameAndPassword()
    {
        using var directory = new TempDirectory("redis");
        string file = directory.Write("password", "pw");
        await using RedisServer redis = await RedisServer.StartAsync();
        Assert.Equal("OK", await redis.CommandAsync("ACL", "SETUSER", "gateway", "on", ">pw", "~loki-gateway:*", "&*", "+@all", "-@dangerous", "+info"));
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, Limits, change: options => options with { Username = "gateway", PasswordFile = file });
        Assert.False(gateway.Store.IsDegraded, gateway.Log.Text);
        Assert.True((await gateway.TakeAsync(1000)).Admitted);
        Assert.Empty(await gateway.AdmitAsync(FleetMember.NewStreams(5)));
    }

    [Fact]
    public async Task GatewayWithoutItsRedis_StartsDegraded_AndTakesItWhenItComes()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await redis.KillAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, Limits);
        Assert.True(gateway.Store.IsDegraded);
        Assert.True((await gateway.TakeAsync(1000)).Admitted);
        Assert.Single(gateway.Log.Lines);
        await redis.StartAgainAsync();
        await gateway.BecomesAsync(degraded: false);
        Assert.Equal(2, gateway.Log.Lines.Count);
    }

    [Fact]
    public async Task OutageAfterABurst_DoesNotOpenWithAnother()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using FleetMember gateway = await FleetMember.JoinAsync(redis, new TenantLimits { IngestionRateMb = 0.001, IngestionBurstSizeMb = 1 });
        Assert.True((await gateway.TakeAsync(1024 * 1024)).Admitted);
        await redis.KillAsync();
        await gateway.BecomesAsync(degraded: true);
        (bool admitted, TimeSpan? retryAfter) = await gateway.TakeAsync(100_000);
        Assert.False(admitted);
        Assert.InRange(retryAfter!.Value.TotalSeconds, 200, 400);
    }
}
