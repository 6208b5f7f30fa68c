// Starts the programs under test the way a user does, with a configuration file, and speaks to their admin ports.
using System.ComponentModel;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace LokiGateway.Benchmarks.Run;

/// <summary>A running program of ours with its admin port.</summary>
internal sealed class Server(ChildProcess child, Uri admin, Uri? pushUrl = null) : IAsyncDisposable
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(10) };

    /// <summary>As src/Hosting exports it.</summary>
    private const string AllocatedMetric = "dotnet_gc_allocated_bytes_total";

    /// <summary>A start takes milliseconds; a minute is for a machine that is busy with something else.</summary>
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    public ChildProcess Child => child;

    public Uri PushUrl => pushUrl ?? throw new InvalidOperationException("this program takes no pushes");

    public async Task WaitUntilReadyAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(StartTimeout);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        try
        {
            while (!await AnswersAsync(limit.Token))
            {
                if (!child.IsRunning) throw child.Failure("ended before it was ready");
                await timer.WaitForNextTickAsync(limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw child.Failure($"was not ready within {StartTimeout.TotalSeconds:0} s");
        }
    }

    /// <summary>Managed bytes allocated since the start.</summary>
    public async Task<double> AllocatedBytesAsync(CancellationToken cancellation) =>
        await SumAsync(AllocatedMetric, "", cancellation) is var sum and > 0 ? sum : throw child.Failure($"has no {AllocatedMetric} on {admin}metrics");

    /// <summary>The sum of a metric's series that have this label; 0 when there is none.</summary>
    public async Task<double> SumAsync(string metric, string label, CancellationToken cancellation)
    {
        string page = await Http.GetStringAsync(new Uri(admin, "/metrics"), cancellation);
        return page.Split('\n')
            .Where(line => line.StartsWith(metric, StringComparison.Ordinal) && line[metric.Length] is '{' or ' ' && line.Contains(label, StringComparison.Ordinal))
            .Sum(static line => double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture));
    }

    public ValueTask DisposeAsync() => child.DisposeAsync();

    private async Task<bool> AnswersAsync(CancellationToken cancellation)
    {
        try
        {
            using HttpResponseMessage answer = await Http.GetAsync(new Uri(admin, "/ready"), cancellation);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false; // it does not listen yet
        }
    }
}

internal static class Servers
{
    /// <summary>Above anything that this machine can send, so that admission works on every push and refuses none.</summary>
    private const string NoLimitMB = "1000000";

    public static async Task<Server> StartGatewayAsync(
        Binaries binaries, string folder, Uri upstream, CancellationToken cancellation, string overrides = "overrides: {}", string auth = "{mode: trust}",
        string store = "{kind: local}")
    {
        string overridesFile = Path.Combine(folder, "overrides.yaml");
        await File.WriteAllTextAsync(overridesFile, overrides, cancellation);
        int port = FreePort(), adminPort = FreePort();
        string file = Path.Combine(folder, "gateway.yaml");
        await File.WriteAllTextAsync(file, $$"""
            server: {http_listen_address: 127.0.0.1, http_listen_port: {{port}}, grpc_listen_port: -1}
            admin: {listen: "127.0.0.1:{{adminPort}}"}
            auth: {{auth}}
            limits_store: {{store}}
            upstream: {push_url: "{{upstream.GetLeftPart(UriPartial.Authority)}}"}
            limits_config: {ingestion_rate_mb: {{NoLimitMB}}, ingestion_burst_size_mb: {{NoLimitMB}}, max_global_streams_per_user: 100000}
            runtime_config: {file: "{{overridesFile}}"}
            """, cancellation);
        ChildProcess child = ChildProcess.Start("loki-gateway", binaries.Gateway, $"--config.file={file}");
        return await ReadyAsync(new Server(child, Admin(adminPort), new Uri($"http://127.0.0.1:{port}/loki/api/v1/push")), cancellation);
    }

    /// <summary>A Redis that keeps nothing on disk, on a free port; null when none is installed.</summary>
    public static (ChildProcess Child, int Port)? TryStartRedis(string folder)
    {
        try
        {
            int port = FreePort();
            return (ChildProcess.Start("redis-server", "redis-server", "--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--dir", folder), port);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    /// <summary>A credentials file with one token for these tenants.</summary>
    public static async Task<string> WriteCredentialsAsync(Binaries binaries, string folder, string token, string[] tenants, CancellationToken cancellation)
    {
        string[] granted = [.. tenants.SelectMany(static tenant => (string[])["--tenant", tenant])];
        await using ChildProcess child = ChildProcess.Start("hash-credential", binaries.Gateway, ["hash-credential", "--id", "load", .. granted]);
        await child.WriteLineAsync(token);
        child.CloseInput();
        string entry = await child.ReadLineAsync(Workers.AnswerTimeout, cancellation);
        string file = Path.Combine(folder, "credentials.yaml");
        await File.WriteAllTextAsync(file, $"credentials:\n{entry}\n", cancellation);
        return file;
    }

    public static async Task<Server> StartLocalLokiAsync(Binaries binaries, string folder, CancellationToken cancellation)
    {
        int port = FreePort();
        string file = Path.Combine(folder, "local-loki.yaml");
        await File.WriteAllTextAsync(file, $"limits_config: {{ingestion_rate_mb: {NoLimitMB}, ingestion_burst_size_mb: {NoLimitMB}}}\n", cancellation);
        ChildProcess child = ChildProcess.Start(
            "local-loki", binaries.LocalLoki, $"--config.file={file}", "--listen", $"127.0.0.1:{port}", "--data", Path.Combine(folder, "data"));
        return await ReadyAsync(new Server(child, Admin(port), new Uri($"http://127.0.0.1:{port}/loki/api/v1/push")), cancellation);
    }

    /// <summary>Starts a shipper; with <paramref name="once"/> it ends by itself when everything is acknowledged.</summary>
    public static async Task<Server> StartShipperAsync(
        Binaries binaries, string folder, IEnumerable<string> globs, Uri pushUrl, bool once, CancellationToken cancellation)
    {
        int adminPort = FreePort();
        string state = Directory.CreateDirectory(Path.Combine(folder, "state")).FullName;
        string file = Path.Combine(folder, "shipper.yaml");
        string paths = string.Join(", ", globs.Select(glob => $"\"{glob}\""));
        await File.WriteAllTextAsync(file, $$"""
            admin: {listen: "127.0.0.1:{{adminPort}}"}
            state_directory: {{state}}
            node: benchmark
            sources:
              - paths: [{{paths}}]
            endpoint:
              url: "{{pushUrl}}"
              tenant_id: benchmark
              shards: 4
            external_labels: {cluster: benchmark}
            """, cancellation);
        string[] arguments = once ? [$"--config.file={file}", "--once", "--timeout=600s"] : [$"--config.file={file}"];
        var server = new Server(ChildProcess.Start("loki-shipper", binaries.Shipper, arguments), Admin(adminPort));
        return once ? server : await ReadyAsync(server, cancellation);
    }

    private static async Task<Server> ReadyAsync(Server server, CancellationToken cancellation)
    {
        try
        {
            await server.WaitUntilReadyAsync(cancellation);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private static Uri Admin(int port) => new($"http://127.0.0.1:{port}/");

    /// <summary>
    /// A port that was free a moment ago; a program that finds it taken says so and the run fails, which has not been seen.
    /// </summary>
    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
