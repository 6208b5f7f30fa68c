// Writes the ledger into Loki beside the logs that it accounts for, so that anybody can compare both with nothing but Loki. Its lines go the way of all
// lines, by the same delivery, but in pushes of their own without a stamp: they are in no books, and a tenant that is held up holds up only its own.
using LokiGateway.Protocol;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;
using LokiGateway.Shipper.Send;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Account;

/// <summary>Start once; <see cref="FlushAsync"/> at the end.</summary>
internal sealed class LedgerStream(Ledger ledger, Delivery delivery, ShipperMetrics metrics, ShipperOptions options, TimeProvider time, ILogger log)
{
    /// <summary>A push of 1,000 records has some 300 KB: far below what any hop refuses.</summary>
    private const int RecordsPerPush = 1000;

    /// <summary>How soon a tenant with very many records is looked at again.</summary>
    private static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(1);

    private readonly byte[] _labels = LabelsOf(options).Utf8.ToArray();
    private readonly Dictionary<string, Task> _deliveries = [];
    private long _lastUnixNanos;
    private bool _saidFull;

    /// <summary>Until the token is cancelled: every interval what is closed goes out.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        long lookedAt = time.GetTimestamp();
        try
        {
            while (true)
            {
                await Task.Delay(options.Ledger.Interval < LookPeriod ? options.Ledger.Interval : LookPeriod, time, stop).ConfigureAwait(false);
                bool isDue = time.GetElapsedTime(lookedAt) >= options.Ledger.Interval;
                if (isDue) lookedAt = time.GetTimestamp();
                foreach (TenantLedger tenant in ledger.Tenants)
                    if (isDue || tenant.Count >= TenantLedger.RecordsMany) Begin(tenant, all: false, stop);
                if (_saidFull || ledger.DroppedLines == 0) continue;
                _saidFull = true;
                Log.LedgerFull(log, TenantLedger.RecordsMax);
            }
        }
        catch (OperationCanceledException)
        {
            // Stop: FlushAsync sends the rest.
        }
        await Task.WhenAll(_deliveries.Values).ConfigureAwait(false);
    }

    /// <summary>After <see cref="RunAsync"/> has ended: everything goes out, minutes that are not over included; what does not arrive stays for the next start.</summary>
    public async Task FlushAsync(CancellationToken stop)
    {
        foreach (TenantLedger tenant in ledger.Tenants) Begin(tenant, all: true, stop);
        await Task.WhenAll(_deliveries.Values).ConfigureAwait(false);
    }

    private void Begin(TenantLedger tenant, bool all, CancellationToken stop)
    {
        if (_deliveries.TryGetValue(tenant.Tenant, out Task? running) && !running.IsCompleted) return;
        _deliveries[tenant.Tenant] = Task.Run(() => DeliverAsync(tenant, all, stop), CancellationToken.None);
    }

    private async Task DeliverAsync(TenantLedger tenant, bool all, CancellationToken stop)
    {
        try
        {
            while (tenant.Leave(all, RecordsPerPush) is { Count: > 0 } records)
            {
                DeliveryResult result = await delivery.DeliverAsync(Encode(tenant.Tenant, records), stop).ConfigureAwait(false);
                tenant.Left();
                metrics.LedgerRecords(result.Acked, result.Rejected);
                if (result.Rejected > 0) Log.LedgerRejected(log, tenant.Tenant, result.Rejected);
            }
        }
        catch (OperationCanceledException)
        {
            tenant.Return();
        }
        catch (Exception failure)
        {
            // A defect of ours; the records stay, and the next round tries again.
            tenant.Return();
            Log.LedgerFailed(log, tenant.Tenant, failure);
        }
    }

    private PushBody Encode(string tenant, IReadOnlyList<LedgerRecord> records)
    {
        byte[][] lines = [.. records.Select(static record => record.ToUtf8())];
        byte[] entries = new byte[lines.Sum(static line => PushWriter.EntryLengthMax(line.Length))];
        int length = 0;
        long now = time.GetUnixNanos();
        // Two deliveries may run at a time, for two tenants; times of one stream still grow.
        long first = Reserve(now, lines.Length);
        for (int i = 0; i < lines.Length; i++) length += PushWriter.WriteEntry(entries.AsSpan(length), first + i, lines[i]);
        byte[] request = new byte[PushWriter.StreamHeaderLength(_labels.Length, length) + length];
        int header = PushWriter.WriteStreamHeader(request, _labels, length);
        entries.AsSpan(0, length).CopyTo(request.AsSpan(header));
        byte[] compressed = new byte[SnappyBlock.CompressedLengthMax(request.Length)];
        int compressedLength = SnappyBlock.Compress(request, compressed);
        return new PushBody(
            tenant.Length == 0 ? null : tenant, compressed.AsMemory(0, compressedLength), request.Length, lines.Length, Streams: 1, Stamp: null);
    }

    private long Reserve(long now, int count)
    {
        while (true)
        {
            long last = Interlocked.Read(ref _lastUnixNanos);
            long first = Math.Max(now, last + 1);
            if (Interlocked.CompareExchange(ref _lastUnixNanos, first + count - 1, last) == last) return first;
        }
    }

    private static LabelSet LabelsOf(ShipperOptions options)
    {
        var labels = new Dictionary<string, string> { ["job"] = LedgerRecord.Job, ["node"] = options.Node };
        if (options.ExternalLabels.TryGetValue("cluster", out string? cluster)) labels["cluster"] = cluster;
        return LabelSet.Of(labels);
    }
}
