// The shipper as something that can be started, drained and stopped: by Program as loki-shipper, by Quickstart and tests inside a process.
using LokiGateway.Hosting.Admin;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Send;
using LokiGateway.Shipper.Tail;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LokiGateway.Shipper;

/// <summary>One shipper. Start once, stop once; all members may be called from any thread.</summary>
public sealed class ShipperService : IAsyncDisposable
{
    /// <summary>How often a drain looks whether it is done.</summary>
    private static readonly TimeSpan DrainLook = TimeSpan.FromMilliseconds(5);

    /// <summary>Most of shutdown_timeout that is kept for what comes after the last acknowledgement.</summary>
    private static readonly TimeSpan LeaveTime = TimeSpan.FromSeconds(1);

    private readonly ShipperOptions _options;
    private readonly ILoggerFactory _logs;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly CollectorRegistry _registry;
    private readonly CancellationTokenSource _abandon = new();
    private readonly Lock _stopGate = new();
    private ShipperParts? _parts;
    private Checkpoint? _checkpoint;
    private FileScanner? _scanner;
    private LossForecast? _forecast;
    private Bookkeeping? _books;
    private Committer? _committer;
    private ShipperPipeline[] _lanes = [];
    private AdminServer? _admin;
    private Succession? _inherited;
    private Succession? _left;
    private Task? _stopped;
    private int _drainRequests;

    public ShipperService(ShipperOptions options, ILoggerFactory logs, TimeProvider time, CollectorRegistry registry)
    {
        (_options, _logs, _time, _registry) = (options, logs, time, registry);
        _log = logs.CreateLogger("loki-shipper");
    }

    /// <summary>Text of GET /config; Program sets it to the masked YAML that the options came from.</summary>
    public Func<string> ConfigurationText { get; init; } = static () => "";

    /// <summary>
    /// Takes the pages instead of an admin server of its own, whatever admin.listen says: for an owner whose server outlives this shipper. Called again with
    /// nothing to show when the shipper is about to be gone.
    /// </summary>
    internal Action<AdminEndpoints?>? ShowPages { get; init; }

    /// <summary>Null when no admin server was asked for, or before the start.</summary>
    public Uri? AdminAddress => _admin?.Address;

    public ShipperTotals Totals
    {
        get
        {
            if (_parts is not { } parts) return default;
            AccountSnapshot books = parts.Accounts.Total();
            (long lag, long files) = Lag();
            return new ShipperTotals(books.Read, books.Acked, books.Rejected, books.Lost, books.InFlight, parts.ReadBytes, lag, files);
        }
    }

    /// <summary>Before the start: what the shipper before this one in the same process has left. It belongs to this one then.</summary>
    internal void Inherit(Succession inherited) => _inherited = inherited;

    /// <summary>Everything that can be found wrong with options without starting.</summary>
    internal static void Check(ShipperOptions options, TimeProvider time)
    {
        CompileSources(options);
        try
        {
            EndpointConnections.Check(options.Endpoint, time);
        }
        catch (TlsException unusable)
        {
            throw new ShipperStartException(unusable.Message, unusable);
        }
    }

    /// <summary>Opens the state directory, the admin port and begins to read. <see cref="ShipperStartException"/> says what to change when it cannot.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        Check(_options, _time);
        List<LogSource> sources = CompileSources(_options);
        try
        {
            _checkpoint = _inherited?.Checkpoint ?? Checkpoint.Open(_options.StateDirectory, _time, _log);
        }
        catch (StateDirectoryException unusable)
        {
            throw new ShipperStartException(unusable.Message, unusable);
        }
        try
        {
            _parts = new ShipperParts(_options, new ShipperMetrics(_registry), _log, _time);
        }
        catch (TlsException changed)
        {
            // Between the check and now.
            throw new ShipperStartException(changed.Message, changed);
        }
        int lanes = _options.Endpoint.Shards;
        _scanner = new FileScanner(
            sources, lanes, (source, path) => _parts.Labels.LaneOf(path, source.Index, lanes),
            _inherited?.Positions ?? _checkpoint.Loaded, _time, _log,
            _parts.FileLosses.Report, _options.Limits.DeletedFilesBytes);
        if (_inherited is not null) _scanner.Adopt(_inherited.Held);
        _forecast = new LossForecast(_options, _scanner, _time, _log);
        _books = new Bookkeeping(_options, _parts, _scanner, _forecast, _time, _log);
        _books.Load();
        _committer = new Committer(_scanner, _checkpoint, _time, _books.Save);
        _parts.PositionsMoved = _committer.Acknowledged;
        _lanes = [.. Enumerable.Range(0, lanes).Select(lane => new ShipperPipeline(lane, _options, _parts, _scanner, _log, _time))];
        _parts.Metrics.Observe(Gauges);
        var pages = new AdminEndpoints
        {
            Metrics = _registry,
            Ready = Ready,
            Config = ConfigurationText,
            Routes = new Dictionary<string, RequestDelegate>
            {
                [LossesPage.Path] = new LossesPage(_options.Node, _time.GetUtcNow(), _parts.Losses).WriteAsync,
                [FilesPage.Path] = new FilesPage(_options.Node, _scanner, _parts, _time).AnswerAsync,
            },
        };
        if (ShowPages is not null)
        {
            ShowPages(pages);
        }
        else if (_options.AdminListen is { } listen)
        {
            try
            {
                _admin = await AdminServer.StartAsync(listen, pages, _logs, ct).ConfigureAwait(false);
            }
            catch (ListenException taken)
            {
                throw new ShipperStartException(taken.Message, taken);
            }
        }
        Log.Shipping(_log, _options.Endpoint.Url, lanes, _options.StateDirectory);
        foreach (ShipperPipeline lane in _lanes) lane.Start(_abandon.Token);
        _scanner.Start();
        _committer.Start();
        _forecast.Start();
        _books.Start();
    }

    /// <summary>True when everything that was in the files at the call is read and acknowledged (or rejected with a reason) within the timeout.</summary>
    public async Task<bool> DrainAsync(TimeSpan timeout, CancellationToken ct)
    {
        if (_scanner is not { } scanner) throw new InvalidOperationException("not started");
        long began = _time.GetTimestamp();
        var asked = ClockReading.Of(_time);
        scanner.RequestScan();
        if (!await UntilAsync(() => scanner.HasScannedSince(asked)).ConfigureAwait(false)) return false;
        int request = Interlocked.Increment(ref _drainRequests);
        foreach (ShipperPipeline lane in _lanes) lane.RequestDrain(request);
        if (!await UntilAsync(() => _lanes.All(lane => lane.IsDrained(request))).ConfigureAwait(false)) return false;
        return _committer!.CommitOnce();

        async Task<bool> UntilAsync(Func<bool> done)
        {
            while (!done())
            {
                if (_time.GetElapsedTime(began) >= timeout) return false;
                await Task.Delay(DrainLook, ct).ConfigureAwait(false);
            }
            return true;
        }
    }

    /// <summary>Stops reading, sends what is batched within shutdown_timeout, saves the positions. The second call waits for the first.</summary>
    public Task StopAsync()
    {
        lock (_stopGate) return _stopped ??= Task.Run(() => StopOnceAsync(StopPatience(_options.ShutdownTimeout), leave: false));
    }

    /// <summary>As <see cref="StopAsync"/>, for a shipper with other options that goes on in the same process; null when this one was stopped before.</summary>
    /// <param name="patience">How long to wait for the last acknowledgements.</param>
    /// <param name="hurry">Ends that wait.</param>
    internal async Task<Succession?> StopForSuccessorAsync(TimeSpan patience, CancellationToken hurry)
    {
        await using CancellationTokenRegistration registration = hurry.Register(static abandon => ((CancellationTokenSource)abandon!).Cancel(), _abandon);
        Task stopped;
        lock (_stopGate) stopped = _stopped ??= Task.Run(() => StopOnceAsync(patience, leave: true), CancellationToken.None);
        await stopped.ConfigureAwait(false);
        return Interlocked.Exchange(ref _left, null);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _abandon.Dispose();
    }

    // Saving the positions and letting go of files take a moment, and all of it has to be over when whoever asked sends SIGKILL.
    private static TimeSpan StopPatience(TimeSpan timeout) => timeout - (timeout / 10 < LeaveTime ? timeout / 10 : LeaveTime);

    private async Task StopOnceAsync(TimeSpan patience, bool leave)
    {
        // 1. No new files, no more reading. 2. What is batched goes out; after shutdown_timeout sends are abandoned. 3. Positions are saved.
        _scanner?.Stop();
        foreach (ShipperPipeline lane in _lanes) lane.Stop();
        using (System.Threading.ITimer timer = _time.CreateTimer(
            static abandon => ((CancellationTokenSource)abandon!).Cancel(), _abandon, patience, Timeout.InfiniteTimeSpan))
        {
            foreach (ShipperPipeline lane in _lanes) lane.Join();
            if (_books is not null) await _books.StopAsync(_abandon.Token).ConfigureAwait(false);
        }
        if (_parts?.Accounts.Total().InFlight is > 0 and var lines) Log.StoppedWithLinesInFlight(_log, lines, patience);
        await _abandon.CancelAsync().ConfigureAwait(false);
        _committer?.Dispose();
        if (leave && _checkpoint is not null && _committer is not null)
            _left = new Succession(_checkpoint, _committer.Contents(), HeldFile.Of(_scanner!.Files, _log));
        ShowPages?.Invoke(null);
        if (_admin is not null) await _admin.DisposeAsync().ConfigureAwait(false);
        foreach (ShipperPipeline lane in _lanes) lane.Dispose();
        _forecast?.Dispose();
        _scanner?.Dispose();
        _books?.Dispose();
        _parts?.Dispose();
        if (_left is null) (_checkpoint ?? _inherited?.Checkpoint)?.Dispose();
    }

    private static List<LogSource> CompileSources(ShipperOptions options)
    {
        List<LogSource> sources = [];
        foreach (SourceOptions source in options.Sources)
        {
            if (!LogSource.TryCreate(sources.Count, source.Paths, source.Exclude, source.SkipBinary, out LogSource? compiled, out string? error))
                throw new ShipperStartException($"sources[{sources.Count}]: {error}");
            sources.Add(compiled);
        }
        return sources;
    }

    private ReadyState Ready()
    {
        if (_scanner is not { FirstScanDone: true }) return new ReadyState(false, "looking for log files");
        if (_parts is { Delivery: { IsHeld: true } held }) return new ReadyState(false, held.HeldReason ?? "the endpoint does not let us push");
        return new ReadyState(true, "ready");
    }

    private (long Bytes, long Files) Lag()
    {
        long bytes = 0, files = 0;
        if (_scanner is null) return (0, 0);
        foreach (TailedFile file in _scanner.Files)
        {
            if (file.IsReleased) continue;
            files++;
            bytes += file.LagBytes;
        }
        return (bytes, files);
    }

    private ShipperGauges Gauges()
    {
        var rejected = new Dictionary<string, long>();
        AccountSnapshot books = _parts!.Accounts.Total(rejected);
        (long lag, long files) = Lag();
        DateTimeOffset now = _time.GetUtcNow();
        long oldest = 0;
        foreach (ShipperPipeline lane in _lanes)
            foreach (PipelineTenant tenant in lane.Tenants)
                if (tenant.OldestUnixNanos is not 0 and var nanos && (oldest == 0 || nanos < oldest)) oldest = nanos;
        double age = oldest == 0 ? 0 : Math.Max(0, (now - DateTimeOffset.UnixEpoch).TotalSeconds - oldest / 1e9);
        return new ShipperGauges(
            books, rejected, lag, age, _forecast!.Seconds, files, _scanner!.Totals.FilesSkipped, Seconds(_parts.LastAck), Seconds(_committer!.UpToDateAt),
            _checkpoint!.SaveFailures, _parts.Buffers.BytesHeld, _parts.Delivery.IsHeld, _parts.Parked.Bytes,
            _parts.Ledger?.Pending ?? 0, _parts.Ledger?.DroppedLines ?? 0);
    }

    private static double Seconds(DateTimeOffset? at) => at is { } time ? (time - DateTimeOffset.UnixEpoch).TotalSeconds : 0;
}
