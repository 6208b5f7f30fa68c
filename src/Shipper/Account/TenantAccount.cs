// The books of one tenant. They are worth something only if they can be wrong: what is in flight is counted from the batches themselves, not computed
// from the other figures, so a line that vanishes between two stages shows.
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Send;

namespace LokiGateway.Shipper.Account;

/// <summary>One consistent picture of a tenant's books. Lost is beside the others: lines that were gone before they could be read.</summary>
internal readonly record struct AccountSnapshot(long Read, long Acked, long Rejected, long Lost, long InFlight)
{
    /// <summary>0 unless there is a bug.</summary>
    public long Imbalance => Read - Acked - Rejected - InFlight;

    public static AccountSnapshot operator +(AccountSnapshot a, AccountSnapshot b) =>
        new(a.Read + b.Read, a.Acked + b.Acked, a.Rejected + b.Rejected, a.Lost + b.Lost, a.InFlight + b.InFlight);
}

/// <summary>The books of one source at one moment.</summary>
internal readonly record struct SourceSnapshot(
    SourceBook Book, long Read, long Acked, long InFlight, long Lost, Dictionary<string, long>? Rejected, bool RejectedEstimated,
    Dictionary<string, long>? LostByReason, bool LostEstimated, long OldestUnixNanos, bool IsGone)
{
    public long RejectedLines => Read - Acked - InFlight - Imbalance;

    /// <summary>0 unless there is a bug.</summary>
    public long Imbalance { get; init; }
}

/// <summary>
/// Any thread; one short lock per chunk framed and per answer. Invariants under the lock: read = acked + rejected + lines in open batches + lines on
/// their way + what is parked, for the tenant and for each source; the sources, with what those came to that are forgotten, add up to the tenant.
/// </summary>
internal sealed class TenantAccount(string tenant)
{
    private readonly Lock _gate = new();
    private readonly List<Contents> _contents = [];
    private readonly Dictionary<string, SourceBook> _sources = new(StringComparer.Ordinal);
    private readonly SourceBook _ended = new("*");
    private long _read;
    private long _acked;
    private long _rejected;
    private long _lost;
    private readonly Dictionary<string, long> _rejectedByReason = [];
    private long _sequence;

    /// <summary>What one lane holds for the tenant.</summary>
    internal sealed class Contents
    {
        internal long Open;
        internal long Sent;
        internal long Parked;
    }

    public string Tenant { get; } = tenant;

    public Contents AddLane()
    {
        var contents = new Contents();
        lock (_gate) _contents.Add(contents);
        return contents;
    }

    /// <summary>Lane: a file of the source has its first entry. The source is kept until <see cref="CloseFile"/> was called as often.</summary>
    public SourceBook OpenFile(string source)
    {
        lock (_gate)
        {
            SourceBook book = BookOf(source);
            book.Files++;
            return book;
        }
    }

    /// <summary>Lane: the file is done with; nothing of it is in a batch any more.</summary>
    public void CloseFile(SourceBook source)
    {
        lock (_gate) source.Files--;
    }

    /// <summary>The book of a source that nothing was read of yet, or that has lost something.</summary>
    public SourceBook Find(string source)
    {
        lock (_gate) return BookOf(source);
    }

    /// <summary>Lane: a chunk was framed.</summary>
    /// <param name="contents">What the lane holds for the tenant.</param>
    /// <param name="source">Whose entries they are.</param>
    /// <param name="framed">Entries of the source, by Frame's own count.</param>
    /// <param name="batched">The same by the batch's count.</param>
    /// <param name="unixNanos">Time of the last of them.</param>
    /// <param name="open">The batch.</param>
    /// <param name="keptOut">The others, which no batch was given because Loki would refuse them for certain.</param>
    public void Framed(
        Contents contents, SourceBook source, long framed, long batched, long unixNanos, BatchBuilder open, List<KeptOutPart> keptOut)
    {
        lock (_gate)
        {
            _read += framed;
            contents.Open = open.Lines;
            source.Read += framed;
            source.InFlight += batched;
            if (source.OpenSince == 0 && batched > 0) source.OpenSince = unixNanos;
            foreach (KeptOutPart kept in keptOut)
            {
                Reject(kept.Reason, kept.Part.Lines);
                source.Rejected.Add(kept.Reason, kept.Part.Lines);
            }
        }
    }

    /// <summary>Lane: the open batch went to the sender.</summary>
    public void Sealed(Contents contents, BatchBuilder open, SealedBatch batch)
    {
        lock (_gate)
        {
            contents.Open = open.Lines;
            contents.Sent = batch.Lines;
            for (int i = 0; i < batch.Parts.Count; i++)
            {
                var source = (SourceBook)batch.Parts[i].Origin.Source;
                if (source.OpenSince == 0) continue;
                (source.SentSince, source.OpenSince) = (source.OpenSince, 0);
            }
        }
    }

    /// <summary>Sender: lines are decided: the batch on its way, or parts of an earlier one whose streams were parked.</summary>
    /// <param name="contents">What the lane holds for the tenant.</param>
    /// <param name="acked">Lines that were acknowledged.</param>
    /// <param name="rejected">The others; null: there are none.</param>
    /// <param name="parts">Where they came from.</param>
    /// <param name="shares">What was rejected of each part; null: nothing.</param>
    /// <param name="parked">Lines that stay undecided, of all batches of the lane, counted anew.</param>
    /// <param name="endsBatch">Nothing else of the batch on its way is to come, but for what is parked.</param>
    public void Decided(
        Contents contents, long acked, IReadOnlyList<RejectedLines>? rejected, IReadOnlyList<BatchPart> parts, BatchRejections? shares, long parked = 0,
        bool endsBatch = true)
    {
        lock (_gate)
        {
            _acked += acked;
            for (int i = 0; i < (rejected?.Count ?? 0); i++)
            {
                Reject(rejected![i].Reason, rejected[i].Lines);
            }
            if (endsBatch) contents.Sent = 0;
            contents.Parked = parked;
            for (int i = 0; i < parts.Count; i++)
            {
                BatchPart part = parts[i];
                var source = (SourceBook)part.Origin.Source;
                long refused = shares?.Of(i).Total ?? 0;
                source.InFlight -= part.Lines;
                source.Acked += part.Lines - refused;
                source.SentSince = 0;
                if (refused == 0) continue;
                source.Rejected.Add(shares!.Of(i));
                source.RejectedEstimated |= shares.IsSourceEstimated(i);
            }
        }
    }

    /// <summary>Lines that were gone before they could be read. <see cref="LossLog"/> calls it; nobody else does.</summary>
    public void Lost(LossRecord loss)
    {
        lock (_gate)
        {
            _lost += loss.Lines;
            SourceBook source = BookOf(loss.Source);
            source.Lost.Add(loss.Reason.Text(), loss.Lines);
            source.LostEstimated |= !loss.LinesExact;
        }
    }

    public AccountSnapshot Snapshot(Dictionary<string, long>? addRejectedTo = null)
    {
        lock (_gate) return SnapshotLocked(addRejectedTo);
    }

    /// <summary>The books of the tenant, of each source, and of the sources that are forgotten, all at one moment.</summary>
    /// <param name="sources">Filled.</param>
    /// <param name="ended">What forgotten sources came to.</param>
    /// <param name="hasFiles">Whether files of a source are known that no lane has opened yet.</param>
    /// <param name="addRejectedTo">What the tenant has rejected is added here by reason.</param>
    public AccountSnapshot Snapshot(
        List<SourceSnapshot> sources, out SourceSnapshot ended, Func<SourceBook, bool>? hasFiles = null, Dictionary<string, long>? addRejectedTo = null)
    {
        lock (_gate)
        {
            foreach (SourceBook book in _sources.Values)
                sources.Add(Look(book, book.Files == 0 && book.InFlight == 0 && hasFiles?.Invoke(book) != true));
            ended = Look(_ended, isGone: false);
            return SnapshotLocked(addRejectedTo);
        }
    }

    /// <summary>Forgets sources that were gone in a snapshot and have not come back since; what they came to is kept.</summary>
    public void Forget(IEnumerable<SourceSnapshot> gone)
    {
        lock (_gate)
        {
            foreach (SourceSnapshot seen in gone)
            {
                SourceBook book = seen.Book;
                if (!seen.IsGone || book.Files != 0 || book.InFlight != 0 || book.Read != seen.Read || book.Lost.Total != seen.Lost) continue;
                if (!_sources.Remove(book.Name)) continue;
                _ended.Read += book.Read;
                _ended.Acked += book.Acked;
                _ended.Rejected.Add(book.Rejected);
                _ended.RejectedEstimated |= book.RejectedEstimated;
                _ended.Lost.Add(book.Lost);
                _ended.LostEstimated |= book.LostEstimated;
            }
        }
    }

    /// <summary>The books as the next request states them, with its own number.</summary>
    public AccountSnapshot NextStamp(out long sequence)
    {
        sequence = Interlocked.Increment(ref _sequence);
        return Snapshot();
    }

    private AccountSnapshot SnapshotLocked(Dictionary<string, long>? addRejectedTo)
    {
        long inFlight = 0;
        foreach (Contents contents in _contents) inFlight += contents.Open + contents.Sent + contents.Parked;
        if (addRejectedTo is not null)
            foreach ((string reason, long lines) in _rejectedByReason) addRejectedTo[reason] = addRejectedTo.GetValueOrDefault(reason) + lines;
        return new AccountSnapshot(_read, _acked, _rejected, _lost, inFlight);
    }

    private static SourceSnapshot Look(SourceBook book, bool isGone) => new(
        book, book.Read, book.Acked, book.InFlight, book.Lost.Total, book.Rejected.Copy(), book.RejectedEstimated, book.Lost.Copy(), book.LostEstimated,
        book.SentSince != 0 ? book.SentSince : book.OpenSince, isGone)
    {
        Imbalance = book.Read - book.Acked - book.Rejected.Total - book.InFlight,
    };

    private void Reject(string reason, long lines)
    {
        _rejected += lines;
        _rejectedByReason[reason] = _rejectedByReason.GetValueOrDefault(reason) + lines;
    }

    private SourceBook BookOf(string source)
    {
        if (!_sources.TryGetValue(source, out SourceBook? book)) _sources.Add(source, book = new SourceBook(source));
        return book;
    }
}
