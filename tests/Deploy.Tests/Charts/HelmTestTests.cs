// `helm test` is what tells a tired person that an installation works. Here its pods run against the charts' own files and programs, and they must
// fail where something is wrong.
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Charts;

public sealed class HelmTestTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task GatewaysTest_PushesALineAndReadsItBack_WithTheRenderedLimitsInForce()
    {
        await using InstalledCharts charts = await InstalledCharts.StartAsync();
        ChildProcess test = await charts.TestGatewayAsync();
        Assert.True(await test.WaitExitAsync(Deadline) == 0, $"{test.Stdout}\n{test.Stderr}");
        Assert.Contains("the line was in Loki after", test.Stdout, StringComparison.Ordinal);

        using var http = new HttpClient();
        string metrics = await http.GetStringAsync(new Uri(charts.GatewayAdmin, "/metrics"), TestContext.Current.CancellationToken);
        Assert.Matches("(?m)^loki_gateway_limit\\{tenant=\"ops\",limit=\"max_global_streams_per_user\"\\} 1000000$", metrics);
    }

    [Fact]
    public async Task GatewaysTest_FailsWithATokenThatMayNotPush()
    {
        await using InstalledCharts charts = await InstalledCharts.StartAsync();
        ChildProcess test = await charts.TestGatewayAsync("read-token");
        Assert.Equal(1, await test.WaitExitAsync(Deadline));
        Assert.Contains("did not take a line:", test.Stderr, StringComparison.Ordinal);
        Assert.Contains("status 403", test.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ShippersTest_FindsItsOwnLineInLoki()
    {
        await using InstalledCharts charts = await InstalledCharts.StartAsync();
        await charts.StartShipperAsync();
        ChildProcess test = await charts.TestShipperAsync();
        Assert.True(await test.WaitExitAsync(Deadline) == 0, $"{test.Stdout}\n{test.Stderr}");
        Assert.Contains("the line was in Loki after", test.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ShippersTest_FailsWithoutAShipper()
    {
        await using InstalledCharts charts = await InstalledCharts.StartAsync();
        ChildProcess test = await charts.TestShipperAsync(timeoutSeconds: "3");
        Assert.Equal(1, await test.WaitExitAsync(Deadline));
        Assert.Contains("the line was not in Loki after 3 s; the last answer of", test.Stderr, StringComparison.Ordinal);
        Assert.Contains("status 200", test.Stderr, StringComparison.Ordinal);
    }
}
