// Anybody can invent a tenant's name in trust mode: the gateway must not grow with the inventions.
using LokiGateway.Gateway.Admit;
using LokiGateway.Hosting.Limits;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Prometheus;

namespace LokiGateway.Gateway.Tests.Admit;

public sealed class TenantsTests
{
    [Fact]
    public async Task InventedTenants_AreBounded_ConfiguredOnesAlwaysHavePlace_AndIdleOnesAreForgotten()
    {
        using var directory = new TempDirectory("gateway");
        string file = directory.Write("overrides.yaml", "overrides: {ops: {max_global_streams_per_user: 1}}");
        var time = new FakeTimeProvider();
        await using var limits = new RuntimeLimits(new TenantLimits(), file, TimeSpan.FromDays(1), time, NullLogger.Instance, null, "x");
        await using var tenants = new Tenants(limits, new GatewayMetrics(Metrics.NewCustomRegistry()), 1, time);
        for (int i = 0; i < Tenants.TenantsMax; i++) Assert.NotNull(tenants.Find($"tenant-{i}"));
        Assert.Null(tenants.Find("one-more"));
        Assert.NotNull(tenants.Find("ops"));
        tenants.Find("tenant-1")!.Streams.Admit([7], tenants.Minute, 0);

        time.Advance(TimeSpan.FromMinutes(StreamTable.ActiveMinutes));
        Tenant used = tenants.Find("tenant-2")!;
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.NotNull(tenants.Find("one-more"));
        Assert.Same(used, tenants.Find("tenant-2"));
        Assert.Equal(["one-more", "tenant-2"], tenants.All.Select(static tenant => tenant.Name).Order());
    }
}
