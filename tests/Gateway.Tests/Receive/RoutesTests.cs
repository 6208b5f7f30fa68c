// The allow-list: what Loki serves without authentication must not be reachable by any spelling.
using LokiGateway.Gateway.Receive;

namespace LokiGateway.Gateway.Tests.Receive;

public sealed class RoutesTests
{
    [Theory]
    [InlineData("/loki/api/v1/query")]
    [InlineData("/loki/api/v1/query_range")]
    [InlineData("/loki/api/v1/labels")]
    [InlineData("/loki/api/v1/label")]
    [InlineData("/loki/api/v1/label/app/values")]
    [InlineData("/loki/api/v1/series")]
    [InlineData("/loki/api/v1/index/stats")]
    [InlineData("/loki/api/v1/index/volume")]
    [InlineData("/loki/api/v1/index/volume_range")]
    [InlineData("/loki/api/v1/patterns")]
    [InlineData("/loki/api/v1/detected_labels")]
    [InlineData("/loki/api/v1/detected_fields")]
    [InlineData("/loki/api/v1/detected_field/level/values")]
    [InlineData("/api/prom/query")]
    [InlineData("/api/prom/label/app/values")]
    [InlineData("/api/prom/series")]
    public void QueryPath_IsAQuery(string path) => Assert.Equal(Route.Query, Routes.Of(path));

    [Theory]
    [InlineData("/")]
    [InlineData("/config")]
    [InlineData("/metrics")]
    [InlineData("/ring")]
    [InlineData("/ingester/shutdown")]
    [InlineData("/flush")]
    [InlineData("/loki/api/v1/delete")]
    [InlineData("/loki/api/v1/rules")]
    [InlineData("/api/prom/rules")]
    [InlineData("/loki/api/v1/pushh")]
    [InlineData("/loki/api/v1/push/")]
    [InlineData("/LOKI/api/v1/push")]
    [InlineData("/loki/api/v1/QUERY")]
    [InlineData("/loki/api/v1/index/")]
    [InlineData("/loki/api/v1/label/values")]
    [InlineData("/loki/api/v1/label//values")]
    [InlineData("/loki/api/v1/label/a/b/values")]
    [InlineData("/loki/api/v1/label/../values")]
    [InlineData("/loki/api/v1/label/a%2F..%2F..%2Fconfig/values")]
    [InlineData("/loki/api/v1/label/a\\b/values")]
    [InlineData("/distributor/ring")]
    [InlineData(null)]
    public void EverythingElse_DoesNotExist(string? path) => Assert.Equal(Route.Unknown, Routes.Of(path));
}
