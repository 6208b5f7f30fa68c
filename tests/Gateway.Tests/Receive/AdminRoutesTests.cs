// Loki serves its configuration with storage credentials, and shuts down on a POST, without asking who it is, on the port that pushes go to. Every such route of
// Loki 3.2.1 (pkg/loki/modules.go), by every spelling that has led around a proxy somewhere, must end at the gateway.
using LokiGateway.Gateway.Tests.Query;
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests.Receive;

public sealed class AdminRoutesTests
{
    private static readonly string[] Lokis =
    [
        "/", "/config", "/services", "/metrics", "/log_level", "/runtime_config", "/memberlist", "/ring", "/flush", "/loki/api/v1/status/buildinfo",
        "/ingester/flush", "/ingester/shutdown", "/ingester/flush_shutdown", "/ingester/prepare_shutdown", "/ingester/prepare-partition-downscale", "/ingester/ring",
        "/distributor/ring", "/scheduler/ring", "/compactor/ring", "/indexgateway/ring", "/pattern/ring", "/ruler/ring", "/ruler/rule_groups", "/bloom/planner/ring",
        "/loki/api/v1/rules", "/loki/api/v1/rules/ns", "/loki/api/v1/rules/ns/group", "/api/prom/rules", "/api/prom/rules/ns", "/prometheus/api/v1/rules",
        "/prometheus/api/v1/alerts", "/loki/api/v1/delete", "/loki/api/v1/cache/generation_numbers", "/loki/api/v1/format_query", "/loki/api/admin/delete",
        "/debug/pprof/", "/debug/pprof/heap", "/debug/fgprof", "/debug/vars", "/api/v1/completeness", "/api/v1/status", "/live",
    ];

    private static readonly string[] Methods = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];

    /// <summary>How a path can be meant to look like another one.</summary>
    private static readonly Func<string, string>[] Spellings =
    [
        static path => path,
        static path => $"/{path}",
        static path => $"/loki/api/v1/push/../../../..{path}",
        static path => $"/loki/api/v1/label/..%2f..%2f..%2f..{path.Replace("/", "%2f", StringComparison.Ordinal)}/values",
        static path => $"/loki/api/v1/label/%2e%2e/%2e%2e/%2e%2e/%2e%2e{path}",
        static path => $"/loki/api/v1/query/..;{path}",
        static path => $"/loki/api/v1/query%00{path}",
        static path => $"/loki/api/v1/query\\..\\..\\..\\..{path}",
        static path => $"/loki/api/v1/push#/..{path}",
        static path => $"http://loki:3100{path}",
        static path => $"{path}?x=/loki/api/v1/push",
        static path => $"{path};/loki/api/v1/push",
        static path => $"{path}%3f/loki/api/v1/push",
    ];

    [Fact]
    public async Task NoAdminRouteOfLoki_IsReached_ByAnyMethodOrSpelling()
    {
        await using Frontend frontend = await Frontend.StartAsync();
        FaultSink loki = FaultSink.Start();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(loki: loki, query: frontend.Address);
        var reached = new List<string>();
        foreach (string path in Lokis)
        {
            foreach (Func<string, string> spell in Spellings)
            {
                // The methods matter where the path is plain; elsewhere one that reads and one that writes.
                foreach (string method in spell == Spellings[0] ? Methods : ["GET", "POST"])
                {
                    RawAnswer answer = await gateway.SendAsync(method, spell(path), [], ("X-Scope-OrgID", "ops"), ("Content-Type", "application/x-protobuf"));
                    if (answer.Status is not (400 or 404 or 405)) reached.Add($"{method} {spell(path)}: {answer.Status}");
                }
            }
        }

        Assert.True(reached.Count == 0, string.Join('\n', reached));
        Assert.Equal((0, 0), (loki.Requests, frontend.Requests));
        Assert.Equal(200, (await gateway.SendAsync("GET", "/loki/api/v1/labels", null, ("X-Scope-OrgID", "ops"))).Status);
        Assert.Equal(1, frontend.Requests);
    }
}
