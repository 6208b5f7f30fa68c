// The claim of the product in one place: read = acked + rejected + in flight, at whatever moment somebody looks.
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.Programs;

/// <summary>The shipper's line counts as one scrape shows them.</summary>
internal readonly record struct Books(double Read, double Acked, double Rejected, double InFlight, double Lost, double Imbalance)
{
    public static async Task<Books> FetchAsync(Uri admin) => From(await MetricsPage.FetchAsync(admin));

    public static Books From(MetricsPage page) => new(
        page.Sum("loki_shipper_read_lines_total"),
        page.Sum("loki_shipper_acked_lines_total"),
        page.Sum("loki_shipper_rejected_lines_total"),
        page.Sum("loki_shipper_in_flight_lines"),
        page.Sum("loki_shipper_lost_lines_total"),
        page.Sum("loki_shipper_ledger_imbalance_lines"));

    /// <summary>What is wrong with them, or null.</summary>
    public string? Fault => Read != Acked + Rejected + InFlight || Imbalance != 0 || Lost != 0 ? $"the books do not close: {ToString()}" : null;

    // Not the compiler's: that one would print Fault, too, which prints this.
    public override string ToString() =>
        $"read {Read}, acked {Acked}, rejected {Rejected}, in flight {InFlight}, lost {Lost}, imbalance {Imbalance}";
}

/// <summary>Scrapes the books at random moments, as long as it lives, and keeps every snapshot that does not close.</summary>
internal sealed class BooksWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _faults = [];
    private readonly Task _loop;
    private int _snapshots;

    public BooksWatch(Uri admin, int seed) => _loop = Task.Run(() => Loop(admin, new Random(seed)));

    /// <summary>Snapshots taken.</summary>
    public int Snapshots => _snapshots;

    /// <summary>Stops and returns the snapshots that did not close.</summary>
    public async Task<IReadOnlyList<string>> StopAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        return _faults;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task Loop(Uri admin, Random random)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var books = await Books.FetchAsync(admin);
                _snapshots++;
                if (books.Fault is { } fault) _faults.Add(fault);
                await Task.Delay(random.Next(60), _stop.Token);
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
            {
                // Not up yet, or stopping: no snapshot.
            }
        }
    }
}
