// One gateway on a free port in front of a scripted Loki: what nearly every test here needs.
using System.Text;
using LokiGateway.Gateway.Admit;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.Gateway.Tests;

internal sealed class GatewayFixture : IAsyncDisposable
{
    private readonly CollectorRegistry _registry;

    private GatewayFixture(FaultSink loki, GatewayServer gateway, CollectorRegistry registry) => (Loki, Gateway, _registry) = (loki, gateway, registry);

    /// <summary>Answers 204 and stores nothing unless a test says otherwise: it need not understand what it gets.</summary>
    public FaultSink Loki { get; }

    public GatewayServer Gateway { get; }

    public Uri Address => Gateway.Address;

    public static async Task<GatewayFixture> StartAsync(
        string limits = "{}", Func<GatewayOptions, GatewayOptions>? change = null, TimeProvider? time = null, FaultSink? loki = null, Uri? query = null,
        string auth = "{mode: trust}", string server = "", ILoggerFactory? logs = null)
    {
        loki ??= FaultSink.Start();
        CollectorRegistry registry = Metrics.NewCustomRegistry();
        ConfigurationFile file = ConfigurationFile.Parse(
            $$"""
            server: {http_listen_address: 127.0.0.1, http_listen_port: 0, grpc_listen_port: -1{{server}}}
            admin: {listen: ""}
            auth: {{auth}}
            upstream: {push_url: "{{loki.Address}}", query_url: "{{query ?? loki.Address}}", timeout: 30s}
            limits_config: {{limits}}
            """,
            "gateway.yaml");
        GatewayOptions options = GatewayOptions.Bind(file.Root);
        file.Finish();
        if (change is not null) options = change(options);
        GatewayServer gateway = await GatewayServer.StartAsync(options, logs ?? NullLoggerFactory.Instance, time ?? TimeProvider.System, registry, CancellationToken.None);
        return new GatewayFixture(loki, gateway, registry);
    }

    /// <summary>Pushes streams as agents do: protobuf in a snappy block.</summary>
    public Task<RawAnswer> PushAsync(string tenant, params LogStream[] streams) => RawHttp.PushAsync(Address, tenant, PushRequests.Snappy(streams));

    public Task<RawAnswer> SendAsync(string method, string path, byte[]? body, params (string Name, string Value)[] headers) =>
        RawHttp.SendAsync(Address, method, path, headers, body);

    public async Task<MetricsPage> MetricsAsync()
    {
        using var page = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(page);
        return MetricsPage.Parse(Encoding.UTF8.GetString(page.ToArray()));
    }

    /// <summary>One stream with one line of that many bytes, dated now.</summary>
    public static LogStream Line(string labels, int bytes = 5) => new(labels, new LogEntry(PushRequests.Now(), new string('x', bytes)));

    public static string RejectedHeader(RawAnswer answer) => answer.Header(RefusedStreams.Header) ?? "";

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Loki.DisposeAsync();
    }
}
