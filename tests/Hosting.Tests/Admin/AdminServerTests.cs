// The admin port over a real socket, as a kubelet's probe and a Prometheus see it.
using System.Net;
using LokiGateway.Hosting.Admin;
using LokiGateway.Hosting.Logging;
using LokiGateway.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LokiGateway.Hosting.Tests.Admin;

public sealed class AdminServerTests : IAsyncLifetime
{
    private readonly StringWriter _log = new();
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly HttpClient _http = new() { Timeout = Eventually.DefaultDeadline };
    private ReadyState _ready = new(true, "ready");
    private ILoggerFactory _logs = null!;
    private AdminServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _logs = LogOutput.Create(LogFormat.Logfmt, LogLevel.Information, TimeProvider.System, _log);
        _server = await StartAsync("127.0.0.1:0");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _logs.Dispose();
        _http.Dispose();
    }

    [Fact]
    public async Task Ready_FollowsTheStateAndSaysWhy()
    {
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await GetAsync("/ready"));

        _ready = new ReadyState(false, "the endpoint refuses: 401");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "the endpoint refuses: 401\n"), await GetAsync("/ready"));
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/live")).Status);
    }

    [Fact]
    public async Task Metrics_OfOnePage_AreOfOneMoment_HoweverManyScrape()
    {
        MetricFactory metrics = Prometheus.Metrics.WithCustomRegistry(_registry);
        Gauge[] equal = [.. Enumerable.Range(0, 200).Select(i => metrics.CreateGauge($"own_{i}", "The same on every page."))];
        int moment = 0;
        _registry.AddBeforeCollectCallback(() =>
        {
            int now = Interlocked.Increment(ref moment);
            foreach (Gauge gauge in equal) gauge.Set(now);
        });
        await Parallel.ForAsync(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (_, stop) =>
        {
            MetricsPage page = MetricsPage.Parse(await _http.GetStringAsync(new Uri(_server.Address, "/metrics"), stop));
            Assert.Single(Enumerable.Range(0, 200).Select(i => page.Sum($"own_{i}")).Distinct());
        });
    }

    [Fact]
    public async Task Metrics_AreThoseOfTheRegistryWithTheProcessUnderStandardNames()
    {
        Prometheus.Metrics.WithCustomRegistry(_registry).CreateCounter("own_total", "Own.").Inc(3);
        HostingMetrics.RegisterProcess(_registry, "loki_test", "1.2.3");

        using HttpResponseMessage response = await _http.GetAsync(new Uri(_server.Address, "/metrics"));
        MetricsPage page = MetricsPage.Parse(await response.Content.ReadAsStringAsync());

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(3, page.Sum("own_total"));
        Assert.Equal(1, page.Sum("loki_test_build_info", ("version", "1.2.3")));
        Assert.True(page.Sum("process_resident_memory_bytes") > 1 << 20);
        Assert.True(page.Sum("process_cpu_seconds_total") > 0);
        Assert.True(page.Sum("process_open_fds") > 3);
        Assert.True(page.Sum("process_max_fds") >= page.Sum("process_open_fds"));
        Assert.InRange(DateTimeOffset.FromUnixTimeSeconds((long)page.Sum("process_start_time_seconds")),
            DateTimeOffset.UtcNow.AddHours(-2), DateTimeOffset.UtcNow.AddMinutes(1));
        Assert.True(page.Sum("dotnet_gc_allocated_bytes_total") > 0);
    }

    [Fact]
    public async Task ConfigAndOwnRoutes_AreServed()
    {
        Assert.Equal((HttpStatusCode.OK, "a: 1\n"), await GetAsync("/config"));
        Assert.Equal((HttpStatusCode.OK, "own"), await GetAsync("/api/v1/own?x=1"));
    }

    [Theory]
    [InlineData("POST", "/ready")]
    [InlineData("PUT", "/metrics")]
    [InlineData("DELETE", "/nothing")]
    public async Task OtherMethods_Are405WithAllow(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(_server.Address, path));
        using HttpResponseMessage response = await _http.SendAsync(request);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal("GET, HEAD", string.Join(", ", response.Content.Headers.Allow));
    }

    [Theory]
    [InlineData("/ready")]
    [InlineData("/metrics")]
    [InlineData("/config")]
    public async Task Head_HasTheHeadersWithoutTheBody(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, new Uri(_server.Address, path));
        using HttpResponseMessage response = await _http.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task UnknownPath_Is404AndNamesWhatThereIs()
    {
        (HttpStatusCode status, string text) = await GetAsync("/metric");

        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Contains("/metrics", text);
        Assert.Contains("/api/v1/own", text);
    }

    [Fact]
    public async Task RouteThatThrows_Is500AndLoggedAndTheServerGoesOn()
    {
        Assert.Equal((HttpStatusCode.InternalServerError, "internal error, see the log\n"), await GetAsync("/api/v1/broken"));
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/live")).Status);
    }

    [Fact]
    public async Task HugeHeaders_AreRefused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_server.Address, "/live"));
        request.Headers.Add("X-Big", new string('x', 64 * 1024));
        using HttpResponseMessage response = await _http.SendAsync(request);

        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task PortTaken_SaysAddressAndSetting()
    {
        string taken = $"127.0.0.1:{_server.Address.Port}";

        var refused = await Assert.ThrowsAsync<ListenException>(() => StartAsync(taken));

        Assert.Equal($"address {taken} (admin.listen) is already in use", refused.Message);
    }

    [Fact]
    public async Task AddressOfAnotherMachine_IsSaidInWords()
    {
        var refused = await Assert.ThrowsAsync<ListenException>(() => StartAsync("192.0.2.1:1234"));

        Assert.Equal("address 192.0.2.1:1234 (admin.listen) does not belong to this machine", refused.Message);
    }

    private Task<AdminServer> StartAsync(string listen) => AdminServer.StartAsync(
        listen,
        new AdminEndpoints
        {
            Metrics = _registry,
            Ready = () => _ready,
            Config = static () => "a: 1\n",
            Routes = new Dictionary<string, RequestDelegate>
            {
                ["/api/v1/own"] = static context => context.Response.WriteAsync("own"),
                ["/api/v1/broken"] = static _ => throw new InvalidOperationException("broken"),
            },
        },
        _logs,
        CancellationToken.None);

    private async Task<(HttpStatusCode Status, string Text)> GetAsync(string path)
    {
        using HttpResponseMessage response = await _http.GetAsync(new Uri(_server.Address, path));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
