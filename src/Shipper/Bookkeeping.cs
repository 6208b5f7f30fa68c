// What runs beside the lanes to account for them: reports to the gateway, the ledger stream, and the file that keeps its unsent part over a crash.
using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper;

/// <summary>Start once, stop once. Never in the way of shipping: what it cannot deliver, it keeps or counts.</summary>
internal sealed class Bookkeeping : IDisposable
{
    /// <summary>A stop waits for the last report and the rest of the ledger no longer: the rest is on disk, and goes out after the next start.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(3);

    private readonly ShipperParts _parts;
    private readonly FileScanner _scanner;
    private readonly TimeProvider _time;
    private readonly Reporter _reporter;
    private readonly LedgerStream? _stream;
    private readonly LedgerFile? _file;
    private readonly CancellationTokenSource _stop = new();
    private Task? _running;

    public Bookkeeping(ShipperOptions options, ShipperParts parts, FileScanner scanner, LossForecast forecast, TimeProvider time, ILogger log)
    {
        (_parts, _scanner, _time) = (parts, scanner, time);
        _reporter = new Reporter(
            parts.Accounts, new ReportBuilder(options, parts.Epoch), parts.Delivery, UnreadBytes, book => forecast.Of(book.Name), parts.Metrics, options, time,
            log);
        if (parts.Ledger is not { } ledger) return;
        _stream = new LedgerStream(ledger, parts.Delivery, parts.Metrics, options, time, log);
        _file = new LedgerFile(options.StateDirectory, ledger, log);
        parts.Losses.Recorded += ledger.Lost;
    }

    /// <summary>Before anything is read: takes up what the last run left.</summary>
    public void Load() => _file?.Load();

    public void Start()
    {
        _running = Task.WhenAll(
            Task.Run(() => _reporter.RunAsync(_stop.Token), CancellationToken.None),
            _stream is null ? Task.CompletedTask : Task.Run(() => _stream.RunAsync(_stop.Token), CancellationToken.None));
    }

    /// <summary>The committer, between collecting the positions and making them valid.</summary>
    public void Save() => _file?.Save();

    /// <summary>After the lanes have ended.</summary>
    public async Task StopAsync(CancellationToken abandon)
    {
        if (_running is null) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        using var patience = new CancellationTokenSource(StopPatience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, abandon);
        await Task.WhenAll(
            _reporter.ReportLastAsync(either.Token), _stream is null ? Task.CompletedTask : _stream.FlushAsync(either.Token)).ConfigureAwait(false);
    }

    public void Dispose() => _stop.Dispose();

    /// <summary>What is not read yet, by source; sources that are read to their end are in it with 0 while they have files.</summary>
    private Dictionary<SourceBook, long> UnreadBytes()
    {
        Dictionary<SourceBook, long> unread = [];
        foreach (TailedFile file in _scanner.Files)
        {
            if (file.IsReleased) continue;
            long bytes = file.LagBytes;
            var state = file.Frame as PipelineFile;
            SourceBook? book = state?.Book;
            if (book is null)
            {
                // Not a line of it was read: there is something to say of it only when there are lines to read, and a lane has seen them.
                if (bytes == 0 || state is null) continue;
                book = state.Tenant.Account.Find(SourceName.Of(file.LogicalPath));
            }
            unread[book] = unread.GetValueOrDefault(book) + bytes;
        }
        return unread;
    }
}
