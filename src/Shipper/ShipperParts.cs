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
    private readonly DeadLetterFile? _deadLetters;

    public ShipperParts(ShipperOptions options, ShipperMetrics metrics, ILogger log, TimeProvider time)
    {
        (_options, Metrics, _time) = (options, metrics, time);
        Epoch = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (options.Ledger is { Enabled: true, ToLoki: true }) Ledger = new Ledger(Epoch, time);
        int largest = BatchSealer.BufferBytesMax(options.Endpoint.BatchSizeBytes, options.Limits.LineBytesMax);
        // Half of limits.memory is the runtime's, the code's and the lanes' own, an eighth is for what waits without a buffer; a full buffer for every lane to
        // fill and one to send is the least to work with.
        long bytes = Math.Max(options.Limits.MemoryBytes * 3 / 8, 2L * largest * options.Endpoint.Shards);
        Parked = new ParkedBytes(options.Limits.MemoryBytes / 8);
        Buffers = new BatchBuffers(bytes, largest);
        BuffersKeptFree = bytes / 2;
        Labels = new LabelResolver(options, metrics, log, time);
        Clock = new EndpointClock(time);
        _deadLetters = options.DeadLetterEnabled ? new DeadLetterFile(options.StateDirectory, options.DeadLetterBytesMax, metrics, log, time) : null;
        Samples = _deadLetters ?? RejectedEntries.None;
        Delivery = new Delivery(options.Endpoint, metrics, time, log, samples: Samples, clock: Clock);
        Losses = new LossLog(Accounts, metrics, log);
        FileLosses = new FileLosses(options, Labels, Losses, LineBytes, time);
        ReadRate = new ReadRate(options.Limits.ReadBytesPerSecond, time);
    }

    public ShipperMetrics Metrics { get; }

    public BatchBuffers Buffers { get; }

    /// <summary>What a tenant whose sender is busy must leave to the others: one that is held up keeps a request, not all the memory.</summary>
    public long BuffersKeptFree { get; }

    /// <summary>The bound on streams that are set aside because they are over a limit of theirs.</summary>
    public ParkedBytes Parked { get; }

    /// <summary>What time it may be for Loki.</summary>
    public EndpointClock Clock { get; }

    /// <summary>Where samples of refused entries go.</summary>
    public RejectedEntries Samples { get; }

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

    /// <summary>Where Discover and Tail report bytes that can never be read.</summary>
    public FileLosses FileLosses { get; }

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
    /// <param name="tenant">Its id; empty: none is sent.</param>
    /// <param name="window">The lane's window of acceptable times.</param>
    public PipelineTenant NewTenant(string tenant, EntryWindow window)
    {
        TenantAccount account = Accounts.Of(tenant);
        TenantAccount.Contents contents = account.AddLane();
        return new PipelineTenant(tenant, new BatchBuilder(Buffers, _options.Endpoint.BatchSizeBytes), account, contents, window) { Samples = Samples };
    }

    /// <summary>Writes down what became of entries: in the books, and for the ledger. Before their positions are published.</summary>
    /// <param name="tenant">Whose they are.</param>
    /// <param name="parts">All of these are decided.</param>
    /// <param name="acked">How many of them were acknowledged.</param>
    /// <param name="rejected">What of them was refused: all the others; null: nothing.</param>
    /// <param name="parked">Lines of the lane that stay undecided for now.</param>
    /// <param name="endsBatch">False: they are what an earlier batch has left behind.</param>
    public void Decided(
        PipelineTenant tenant, IReadOnlyList<BatchPart> parts, long acked, IReadOnlyList<RejectedLines>? rejected, long parked, bool endsBatch)
    {
        BatchRejections? shares = rejected is not { Count: > 0 } ? null : BatchRejections.Attribute(
            parts, rejected, static (part, stream) => part.Origin.File.Frame is PipelineFile file && file.IsIn(Encoding.UTF8.GetBytes(stream)));
        tenant.Account.Decided(tenant.Contents, acked, rejected, parts, shares, parked, endsBatch);
        Ledger?.Of(tenant.Tenant).Decided(parts, shares);
    }

    private double LineBytes() => Accounts.Total().Read is > 0 and var lines ? (double)ReadBytes / lines : 0;

    /// <summary>What the next push of a tenant says about its books.</summary>
    public string? StampFor(PipelineTenant tenant, int lines)
    {
        if (!_options.Ledger.Enabled) return null;
        AccountSnapshot books = tenant.Account.NextStamp(out long sequence);
        return new BatchStamp(_options.Node, Epoch, sequence, lines, books.Read, books.Acked, books.Lost).ToString();
    }

    /// <summary>Renews the times that entries may have: outside them Loki refuses them for certain.</summary>
    public void Renew(EntryWindow window)
    {
        (long earliest, long latest) = Clock.UnixNanosRange();
        TimeSpan oldest = _options.Limits.OldestAge, ahead = _options.Limits.FutureMax;
        window.Set(
            oldest == TimeSpan.Zero || earliest == long.MinValue ? long.MinValue : earliest - oldest.Ticks * 100,
            ahead == TimeSpan.Zero || latest == long.MaxValue ? long.MaxValue : latest + ahead.Ticks * 100);
    }

    public void Dispose()
    {
        Delivery.Dispose();
        _deadLetters?.Dispose();
    }
}
