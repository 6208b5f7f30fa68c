// What the lanes of one shipper share.
using System.Text;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Label;
using LokiGateway.Shipper.Send;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper;

/// <summary>Any thread.</summary>
internal sealed class ShipperParts : IDisposable
{
    private readonly ShipperOptions _options;
    private readonly TimeProvider _time;
    private long _readBytes;
    private long _lastAckTicks;

    public ShipperParts(ShipperOptions options, ShipperMetrics metrics, ILogger log, TimeProvider time)
    {
        (_options, Metrics, _time) = (options, metrics, time);
        Epoch = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (options.Ledger is { Enabled: true, ToLoki: true }) Ledger = new Ledger(Epoch, time);
        int largest = BatchSealer.BufferBytesMax(options.Endpoint.BatchSizeBytes, options.Limits.LineBytesMax);
        // Half of limits.memory is the runtime's, the code's and the lanes' own; a full buffer for every lane to fill and one to send is the least to work with.
        long bytes = Math.Max(options.Limits.MemoryBytes / 2, 2L * largest * options.Endpoint.Shards);
        Buffers = new BatchBuffers(bytes, largest);
        BuffersKeptFree = bytes / 2;
        Labels = new LabelResolver(options, metrics, log, time);
        Delivery = new Delivery(options.Endpoint, metrics, time, log);
        Losses = new LossLog(Accounts, metrics, log);
        ReadRate = new ReadRate(options.Limits.ReadBytesPerSecond, time);
    }

    public ShipperMetrics Metrics { get; }

    public BatchBuffers Buffers { get; }

    /// <summary>What a tenant whose sender is busy must leave to the others: one that is held up keeps a request, not all the memory.</summary>
    public long BuffersKeptFree { get; }

    public LabelResolver Labels { get; }

    public Delivery Delivery { get; }

    public ReadRate ReadRate { get; }

    public TenantAccounts Accounts { get; } = new();

    /// <summary>Start of this shipper, Unix milliseconds: all its counts begin with it.</summary>
    public long Epoch { get; }

    /// <summary>Null: ledger.to_loki is off.</summary>
    public Ledger? Ledger { get; }

    /// <summary>Where everything that is given up is named.</summary>
    public LossLog Losses { get; }

    public long ReadBytes => Interlocked.Read(ref _readBytes);

    /// <summary>When the endpoint last acknowledged something; null: not yet.</summary>
    public DateTimeOffset? LastAck => Interlocked.Read(ref _lastAckTicks) is var ticks and not 0 ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    public void CountRead(long bytes)
    {
        Interlocked.Add(ref _readBytes, bytes);
    }

    /// <summary>Told after the positions of a decided batch are published.</summary>
    public Action? PositionsMoved { get; set; }

    public void Delivered()
    {
        Interlocked.Exchange(ref _lastAckTicks, _time.GetUtcNow().UtcTicks);
        PositionsMoved?.Invoke();
    }

    /// <summary>A tenant as a lane sees it.</summary>
    public PipelineTenant NewTenant(string tenant)
    {
        TenantAccount account = Accounts.Of(tenant);
        TenantAccount.Contents contents = account.AddLane();
        return new PipelineTenant(tenant, new BatchBuilder(Buffers, _options.Endpoint.BatchSizeBytes), account, contents);
    }

    /// <summary>Writes down what became of a batch: in the books, and for the ledger. Before its positions are published.</summary>
    public void Decided(PipelineTenant tenant, SealedBatch batch, DeliveryResult result)
    {
        RejectedLines[]? rejected = null;
        BatchRejections? shares = null;
        if (result.RejectedByReason is { } byReason)
        {
            rejected = [.. byReason.Select(static one => new RejectedLines(one.Key, one.Value, null))];
            shares = BatchRejections.Attribute(batch.Parts, rejected, static (part, stream) =>
                part.Origin.File.Frame is PipelineFile file && file.IsIn(Encoding.UTF8.GetBytes(stream)));
        }
        tenant.Account.Decided(tenant.Contents, result.Acked, rejected, batch.Parts, shares);
        Ledger?.Of(tenant.Tenant).Decided(batch.Parts, shares);
    }

    /// <summary>What the next push of a tenant says about its books.</summary>
    public string? StampFor(PipelineTenant tenant, int lines)
    {
        if (!_options.Ledger.Enabled) return null;
        AccountSnapshot books = tenant.Account.NextStamp(out long sequence);
        return new BatchStamp(_options.Node, Epoch, sequence, lines, books.Read, books.Acked, books.Lost).ToString();
    }

    public void Dispose() => Delivery.Dispose();
}
