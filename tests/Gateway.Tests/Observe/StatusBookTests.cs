// The figures of a large fleet: bounded however much is wrong, quick enough to be asked for every few seconds, and cut where it matters least.
using System.Diagnostics;
using System.Text.Json;
using LokiGateway.Gateway.Account;
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Completeness;
using LokiGateway.Gateway.Forward;
using LokiGateway.Gateway.Observe;
using LokiGateway.Gateway.Receive;
using LokiGateway.Gateway.Tests.Completeness;
using LokiGateway.Hosting.Limits;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Protocol.Tenancy;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Prometheus;

namespace LokiGateway.Gateway.Tests.Observe;

public sealed class StatusBookTests
{
    [Fact]
    public async Task ThousandsOfTenantsNodesAndMissingSources_AreCutToWhatAPersonReads_AndCounted()
    {
        const int Nodes = 500, Clusters = 40, SourcesPerNode = 100, TenantCount = 5000;
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var metrics = new GatewayMetrics(Metrics.NewCustomRegistry(), time);
        var options = new GatewayOptions { Upstream = new UpstreamOptions { PushUrl = new Uri("http://127.0.0.1:3100") } };
        await using var limits = new RuntimeLimits(new TenantLimits(), null, TimeSpan.FromDays(1), time, NullLogger.Instance, null, "x");
        await using var tenants = new Tenants(limits, metrics, 1, time);
        await using var upstream = new UpstreamForwarder(options.Upstream, metrics, time, NullLogger.Instance);
        var completeness = new CompletenessBook(options.Completeness, 1, time);
        await using var book = new StatusBook(
            new StatusSources(
                options, tenants, limits, upstream, new BodyMemory(1 << 20), completeness, metrics,
                new StatusChecks(options, limits, metrics, time, upstream, null), () => false, () => 3100),
            time);
        for (int report = 1; report <= 2; report++)
        {
            time.Advance(report == 1 ? TimeSpan.FromSeconds(60) : TimeSpan.FromSeconds(140));
            for (int node = 0; node < Nodes; node++)
            {
                // Every source misses a line; the names of one node are as long as names can be.
                string prefix = node == 0 ? new string('d', 4600) : "namespace/pod";
                Assert.Equal(TenantIdError.None, TenantId.TryParse($"tenant-{node % Clusters}", out TenantId tenant));
                ShipperReport all = Reports.Of(
                    $"node-{node:000}", time.Start.ToUnixTimeMilliseconds(), report, time.GetUtcNow(),
                    [.. Enumerable.Range(0, SourcesPerNode).Select(source => Reports.Source($"{prefix}/{source}", 10, 9, rejected: 1))]);
                Assert.Equal(ReportOutcome.Taken, completeness.Take(tenant, all with { Cluster = $"cluster-{node % Clusters}" }));
            }
        }

        for (int tenant = 0; tenant < TenantCount; tenant++) tenants.Find($"tenant-{tenant}")!.Metrics.Discarded(DiscardReasons.RateLimited, tenant, 0);
        StatusDocument status = book.Now();
        long startedAt = Stopwatch.GetTimestamp();
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(book.Now(), StatusJson.Written.StatusDocument);
        TestContext.Current.TestOutputHelper?.WriteLine($"{json.Length} bytes in {Stopwatch.GetElapsedTime(startedAt).TotalMilliseconds:F0} ms");
        Assert.InRange(json.Length, 1, 256 * 1024);
        Assert.Equal((StatusBook.TenantsMax, TenantCount - StatusBook.TenantsMax), (status.Tenants.Count, status.TenantsMore));
        Assert.Equal($"tenant-{TenantCount - 1}", status.Tenants[0].Tenant);
        Assert.Equal((StatusBook.NodesMax, Nodes - StatusBook.NodesMax), (status.Nodes.Count, status.NodesMore));
        Assert.Equal((StatusBook.ClustersMax, Clusters - StatusBook.ClustersMax), (status.Clusters.Count, status.ClustersMore));
        Assert.All(status.Clusters, static cluster => Assert.Equal(StatusBook.MissingPerClusterMax, cluster.Missing.Count));
        Assert.All(status.Clusters, static cluster => Assert.InRange(cluster.MissingSources, SourcesPerNode * Nodes / Clusters / 2, SourcesPerNode * Nodes));
        Assert.Equal((Nodes * SourcesPerNode, Nodes * SourcesPerNode), (status.Traffic.MissingLines, status.Traffic.MissingSources));
        Assert.All(status.Clusters.SelectMany(static cluster => cluster.Missing), static one => Assert.InRange(one.Source.Length, 1, 256));
        Assert.Equal((Findings.ListedMax, Clusters + TenantCount - 1 - Findings.ListedMax), (status.Findings.Count, status.FindingsMore));
        RefusalStatus reason = Assert.Single(status.Refusals);
        Assert.Equal((StatusBook.TenantsPerReasonMax, TenantCount - 1 - StatusBook.TenantsPerReasonMax), (reason.Tenants.Count, reason.TenantsMore));
        Assert.Equal((long)TenantCount * (TenantCount - 1) / 2, reason.Count);
    }

    [Fact]
    public void ReasonsThatSomebodyInvents_AreBounded_AndNoneIsLost()
    {
        var counts = new RecentCounts<string>("other", 4);
        for (int i = 0; i < 100; i++) counts.Add($"reason-{i}", 1);
        Assert.Equal(["other", "reason-0", "reason-1", "reason-2", "reason-3"], counts.All.Select(static one => one.Key).Order());
        Assert.Equal(100, counts.All.Sum(static one => one.Value.Total));
    }

    [Fact]
    public void Waits_AreUpperBoundsOfTheirPart_AndSlowerOnesThanAnyCountToTheLast()
    {
        var health = new UpstreamHealth(TimeProvider.System);
        Assert.Null(health.WaitOf(0.99, 0));
        for (int i = 0; i < 99; i++) health.Observe(new UpstreamAnswer(UpstreamResult.Answered) { Status = 204 }, TimeSpan.FromMilliseconds(4));
        health.Observe(new UpstreamAnswer(UpstreamResult.TimedOut), TimeSpan.FromHours(1));
        Assert.Equal((0.005, 0.005, 60), (health.WaitOf(0.5, 0), health.WaitOf(0.99, 0), health.WaitOf(0.995, 0)));
        Assert.Equal((100, 1), (health.Sent.Since(0), health.Failed.Since(0)));
        Assert.Equal("timeout", Assert.Single(health.Failures).What);
    }

    [Fact]
    public void LastFailures_AreBounded_AndTheSameInARowIsOne()
    {
        var health = new UpstreamHealth(TimeProvider.System);
        byte[] body = [.. Enumerable.Repeat((byte)'x', 100_000)];
        for (int i = 0; i < 30; i++) health.Observe(new UpstreamAnswer(UpstreamResult.Answered) { Status = 500 + i / 2, Body = body }, TimeSpan.Zero);
        Assert.Equal(UpstreamHealth.FailuresKept, health.Failures.Count);
        Assert.Equal("514", health.Failures[0].What);
        Assert.All(health.Failures, static one => Assert.Equal((2, true), (one.Times, one.Detail.Length < 300)));
    }
}
