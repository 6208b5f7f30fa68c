// A whole shipper in the test's process, with real files before it and a real socket behind it.
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.Shipper.Tests;

internal sealed class ShipperRig : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new("shipper");
    private readonly TimeProvider _time;

    public ShipperRig(FaultSink sink, Func<ShipperOptions, ShipperOptions>? change = null, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        Options = new ShipperOptions
        {
            AdminListen = null,
            StateDirectory = _directory.Folder("state"),
            Node = "n1",
            Ledger = new LedgerOptions { ToLoki = false },
            Sources = [new SourceOptions { Paths = [Logs + "/**/*.log"] }],
            // The lines of most tests have a fixed date, whatever day it is.
            Limits = new ShipperLimits { OldestAge = TimeSpan.Zero, FutureMax = TimeSpan.Zero },
            Endpoint = new EndpointOptions
            {
                Url = sink.PushUrl,
                TenantId = "ops",
                BatchWait = TimeSpan.FromMilliseconds(20),
                MinBackoff = TimeSpan.FromMilliseconds(1),
                MaxBackoff = TimeSpan.FromMilliseconds(50),
                Shards = 2,
            },
        };
        if (change is not null) Options = change(Options);
        Shipper = New();
    }

    public ShipperOptions Options { get; }

    public ShipperService Shipper { get; private set; }

    public CollectorRegistry Registry { get; private set; } = null!;

    public string Logs => _directory.Folder("logs");

    /// <summary>A pod's log file; the lines are CRI with growing times.</summary>
    public string WritePod(string pod, IEnumerable<string> messages, string @namespace = "shop", int firstNanos = 0, string? time = null)
    {
        string path = _directory.File("logs", "pods", $"{@namespace}_{pod}_1", "app", "0.log");
        File.AppendAllLines(path, messages.Select((message, i) => $"2026-11-22T22:15:{time ?? "01"}.{firstNanos + i:D9}Z stdout F {message}"));
        return path;
    }

    /// <summary>As <see cref="WritePod"/>, in a minute of one's choice ("2026-11-22T22:15").</summary>
    public string WritePodAt(string pod, string minute, IEnumerable<string> messages, int firstNanos = 0)
    {
        string path = _directory.File("logs", "pods", $"shop_{pod}_1", "app", "0.log");
        File.AppendAllLines(path, messages.Select((message, i) => $"{minute}:07.{firstNanos + i:D9}Z stdout F {message}"));
        return path;
    }

    public string WriteRaw(string name, string text)
    {
        string path = _directory.File("logs", name);
        File.AppendAllText(path, text);
        return path;
    }

    public async Task StartAsync() => await Shipper.StartAsync(CancellationToken.None);

    public Task<bool> DrainAsync(TimeSpan? timeout = null) => Shipper.DrainAsync(timeout ?? Patience, CancellationToken.None);

    /// <summary>Stops and begins a new one on the same state.</summary>
    public async Task RestartAsync()
    {
        await Shipper.DisposeAsync();
        Shipper = New();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Shipper.DisposeAsync();
        _directory.Dispose();
    }

    public static IEnumerable<string> Lines(int count, string prefix = "line") => Enumerable.Range(0, count).Select(i => $"{prefix} {i}");

    private ShipperService New()
    {
        Registry = Metrics.NewCustomRegistry();
        return new ShipperService(Options, NullLoggerFactory.Instance, _time, Registry);
    }
}
