// One report from beginning to end: find the files, read them into the books, close the books, draw conclusions. The command makes one; the exporter one after the other.
using Amazon.S3;
using LokiGateway.Operations.Cost.Reading;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Cost;

internal sealed class CostRun
{
    // As many days are cells, bars and rows of a table.
    private const int DaysMax = 800;

    public required CostRules Rules { get; init; }

    public required PriceBook? Prices { get; init; }

    /// <summary>As given with --source.</summary>
    public required IReadOnlyList<string> Sources { get; init; }

    /// <summary>Called once, and only when a source is in S3.</summary>
    public required Func<IAmazonS3> S3 { get; init; }

    public required bool Billed { get; init; }

    /// <summary>Null: the first day of last month.</summary>
    public DateOnly? From { get; init; }

    /// <summary>The first day that is not in the report. Null: today.</summary>
    public DateOnly? To { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>Throws <see cref="CostException"/>.</summary>
    public async Task<CostReport> MakeAsync(CancellationToken ct)
    {
        DateTimeOffset now = Time.GetUtcNow();
        DateOnly today = DateOnly.FromDateTime(now.UtcDateTime);
        DateOnly to = To ?? today;
        DateOnly from = From ?? new DateOnly(to.AddDays(-1).Year, to.AddDays(-1).Month, 1).AddMonths(-1);
        if (from >= to) throw new CostException($"--from {from:yyyy-MM-dd} is not before --to {to:yyyy-MM-dd}, the first day that is not in the report");
        if (to.DayNumber - from.DayNumber > DaysMax) throw new CostException($"--from {from:yyyy-MM-dd} --to {to:yyyy-MM-dd} are more than {DaysMax} days");
        var ledger = new Ledger(from, to);
        var placements = new Placements(Rules);
        var sources = new List<CostSource>();
        var read = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string text in Sources)
        {
            CostSource source = await CostSources.FindAsync(text, S3, from, to, ct);
            int number = ledger.BeginSource(source);
            sources.Add(source);
            foreach (CostFile file in source.Files)
            {
                ct.ThrowIfCancellationRequested();
                if (!read.TryAdd(file.Name, source.Name)) throw new CostException($"{file.Name}: is in {read[file.Name]} and in {source.Name}: every dollar of it would be counted twice");
                await ReadAsync(ledger, placements, source.Kind, file, number, ct);
            }
        }

        return CostReport.Make(Rules, ledger.Close(), sources, ledger.Bad, ledger.Rows, Billed ? CostQuality.Billed : CostQuality.Amortized, placements.Notes(), now);
    }

    private Task ReadAsync(Ledger ledger, Placements placements, SourceKind kind, CostFile file, int number, CancellationToken ct) => kind switch
    {
        SourceKind.Focus => new FocusReader(ledger, placements, Billed).ReadAsync(file, number, ct),
        SourceKind.OpenCost => new OpenCostReader(ledger, placements).ReadAsync(file, number, ct),
        _ => new UsageReader(ledger, placements, Prices).ReadAsync(file, number, ct),
    };
}
