// One tenant in one lane: the batch that is being filled and the one that is on its way.
using LokiGateway.Protocol.Labels;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Send;

namespace LokiGateway.Shipper;

/// <summary>
/// Lane only, but for what the sender's task touches: <see cref="DoneSequence"/>, <see cref="IsSending"/>. Invariant: batch n is on its way only when every batch
/// before it is done.
/// </summary>
internal sealed class PipelineTenant(
    string tenant, BatchBuilder builder, TenantAccount account, TenantAccount.Contents contents, EntryWindow? window = null)
{
    private readonly HashSet<BatchStream> _streams = [];
    private long _doneSequence;
    private long _oldestSent;
    private volatile bool _sending;
    private volatile bool _isHeldUp;

    public string Tenant { get; } = tenant;

    public BatchBuilder Builder { get; } = builder;

    public TenantAccount Account { get; } = account;

    public TenantAccount.Contents Contents { get; } = contents;

    /// <summary>Number of the batch that is open.</summary>
    public long OpenSequence { get; private set; } = 1;

    /// <summary>Number of the batch that <see cref="OpenedAt"/> belongs to.</summary>
    public long OpenedSequence { get; private set; }

    /// <summary>Monotonic time of the first chunk that went into the open batch.</summary>
    public long OpenedAt { get; private set; }

    /// <summary>Every batch up to this one is decided and its positions are published.</summary>
    public long DoneSequence => Volatile.Read(ref _doneSequence);

    public bool IsSending => _sending;

    /// <summary>Set by the sender while its batch fails again and again: nothing more is begun for the tenant until it goes through.</summary>
    public bool IsHeldUp { get => _isHeldUp; set => _isHeldUp = value; }

    /// <summary>Set once, before anything is sent.</summary>
    public TenantSender Sender { get; set; } = null!;

    /// <summary>Takes samples of what is refused.</summary>
    public RejectedEntries Samples { get; init; } = RejectedEntries.None;

    /// <summary>The number of the last batch that holds anything.</summary>
    public long LastSequence => Builder.Lines > 0 ? OpenSequence : OpenSequence - 1;

    /// <summary>Time of the oldest entry that is not decided, Unix nanoseconds; 0: none. Any thread; a moving picture.</summary>
    public long OldestUnixNanos
    {
        get
        {
            long oldest = Volatile.Read(ref _oldestSent) is var sent and not 0 ? sent : Builder.Lines > 0 ? Builder.FirstUnixNanos : 0;
            return Sender.OldestParkedUnixNanos is var parked and not 0 && (oldest == 0 || parked < oldest) ? parked : oldest;
        }
    }

    /// <summary>Whether every line up to this batch is decided, parked ones included.</summary>
    public bool IsDecided(long sequence) => DoneSequence >= sequence && Sender.OldestParkedSequence > sequence;

    /// <summary>The stream with these labels, shared by all files that have them.</summary>
    public BatchStream Use(LabelSet labels)
    {
        var stream = new BatchStream(labels, window);
        if (_streams.TryGetValue(stream, out BatchStream? shared)) stream = shared;
        else _streams.Add(stream);
        stream.Users++;
        return stream;
    }

    /// <summary>Containers come and go for as long as the node lives: a stream that no file uses is forgotten.</summary>
    public void Leave(BatchStream stream)
    {
        if (--stream.Users == 0) _streams.Remove(stream);
    }

    public void Opened(long now) => (OpenedSequence, OpenedAt) = (OpenSequence, now);

    public void Started(SealedBatch batch)
    {
        OpenSequence++;
        _sending = true;
        Volatile.Write(ref _oldestSent, batch.FirstUnixNanos);
        Account.Sealed(Contents, Builder, batch);
    }

    /// <summary>Sender's task: the batch is decided.</summary>
    public void Done(SealedBatch batch)
    {
        Volatile.Write(ref _oldestSent, 0);
        Volatile.Write(ref _doneSequence, batch.Sequence);
        _sending = false;
    }
}
