// The books of one tenant. They are worth something only if they can be wrong: what is in flight is counted from the batches themselves, not computed
// from the other figures, so a line that vanishes between two stages shows.
using LokiGateway.Shipper.Batch;

namespace LokiGateway.Shipper.Account;

/// <summary>One consistent picture of a tenant's books. Lost is beside the others: lines that were gone before they could be read.</summary>
internal readonly record struct AccountSnapshot(long Read, long Acked, long Rejected, long Lost, long InFlight)
{
    /// <summary>0 unless there is a bug.</summary>
    public long Imbalance => Read - Acked - Rejected - InFlight;

    public static AccountSnapshot operator +(AccountSnapshot a, AccountSnapshot b) =>
        new(a.Read + b.Read, a.Acked + b.Acked, a.Rejected + b.Rejected, a.Lost + b.Lost, a.InFlight + b.InFlight);
}

/// <summary>
/// Any thread; one short lock per chunk framed and per answer. Invariant under the lock: read = acked + rejected + lines in open batches + lines on
/// their way.
/// </summary>
internal sealed class TenantAccount(string tenant)
{
    private readonly Lock _gate = new();
    private readonly List<Contents> _contents = [];
    private long _read;
    private long _acked;
    private long _rejected;
    private long _lost;
    private readonly Dictionary<string, long> _rejectedByReason = [];
    private long _sequence;

    private static readonly Dictionary<string, long> NothingRejected = [];

    /// <summary>What one lane holds for the tenant.</summary>
    internal sealed class Contents
    {
        internal long Open;
        internal long Sent;
    }

    public string Tenant { get; } = tenant;

    public Contents AddLane()
    {
        var contents = new Contents();
        lock (_gate) _contents.Add(contents);
        return contents;
    }

    /// <summary>Lane: a chunk was framed. <paramref name="framed"/> is Frame's own count, <paramref name="open"/> the batch's.</summary>
    public void Framed(Contents contents, long framed, BatchBuilder open)
    {
        lock (_gate)
        {
            _read += framed;
            contents.Open = open.Lines;
        }
    }

    /// <summary>Lane: the open batch went to the sender.</summary>
    public void Sealed(Contents contents, BatchBuilder open, SealedBatch batch)
    {
        lock (_gate)
        {
            contents.Open = open.Lines;
            contents.Sent = batch.Lines;
        }
    }

    /// <summary>Sender: all lines of the batch on its way are decided.</summary>
    public void Decided(Contents contents, long acked, IReadOnlyDictionary<string, long>? rejectedByReason)
    {
        lock (_gate)
        {
            _acked += acked;
            foreach ((string reason, long lines) in rejectedByReason ?? NothingRejected)
            {
                _rejected += lines;
                _rejectedByReason[reason] = _rejectedByReason.GetValueOrDefault(reason) + lines;
            }
            contents.Sent = 0;
        }
    }

    /// <summary>Lines that were gone before they could be read. <see cref="LossLog"/> calls it; nobody else does.</summary>
    public void Lost(long lines)
    {
        lock (_gate) _lost += lines;
    }

    public AccountSnapshot Snapshot(Dictionary<string, long>? addRejectedTo = null)
    {
        lock (_gate)
        {
            long inFlight = 0;
            foreach (Contents contents in _contents) inFlight += contents.Open + contents.Sent;
            if (addRejectedTo is not null)
                foreach ((string reason, long lines) in _rejectedByReason) addRejectedTo[reason] = addRejectedTo.GetValueOrDefault(reason) + lines;
            return new AccountSnapshot(_read, _acked, _rejected, _lost, inFlight);
        }
    }

    /// <summary>The books as the next request states them, with its own number.</summary>
    public AccountSnapshot NextStamp(out long sequence)
    {
        sequence = Interlocked.Increment(ref _sequence);
        return Snapshot();
    }
}
