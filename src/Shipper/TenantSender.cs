// What happens to a batch after the lane has sealed it. A tenant's batches go one after the other; streams that are over their own limit are set aside, so
// that the tenant's other streams go on; what else there is of them stays in their files.
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Send;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper;

/// <summary>
/// One tenant's sender in one lane. <see cref="Start"/> and <see cref="StopRetries"/> are the lane's; the rest runs on tasks of its own and publishes
/// through <see cref="PipelineTenant.Done"/>, <see cref="PipelineFile.Parked"/> and the files' acknowledged positions. Invariant: the position of a stream in a
/// file never passes an entry that is not decided.
/// </summary>
internal sealed class TenantSender(PipelineTenant tenant, ShipperParts shared, TimeSpan defectPause, ILogger log, TimeProvider time, Action decided)
    : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopRetries = new();

    // All under the gate. Parked: undecided pushes of streams over their limit, oldest first. Deferred: positions of files with lines in them, oldest first.
    private readonly List<Parked> _parked = [];
    private readonly Dictionary<TailedFile, List<(long Sequence, FilePosition Position)>> _deferred = [];
    private Task _delivery = Task.CompletedTask;
    private Task _retries = Task.CompletedTask;
    private bool _isRetrying;
    private long _oldestParkedSequence = long.MaxValue;
    private long _oldestParkedUnixNanos;

    /// <summary>
    /// What a batch has left behind: pushes that are to be tried again, and the parts of the batch that are not booked yet, because their entries are in
    /// them.
    /// </summary>
    private sealed class Parked(long sequence, long firstUnixNanos, List<ParkedPush> pushes)
    {
        public long Sequence { get; } = sequence;

        public long FirstUnixNanos { get; } = firstUnixNanos;

        public List<ParkedPush> Pushes { get; } = pushes;

        public IReadOnlyList<BatchPart> Parts { get; private set; } = [];

        /// <summary>Entries of <see cref="Parts"/> that were refused for good.</summary>
        private IReadOnlyList<RejectedLines> Rejected { get; set; } = [];

        public long Lines => LinesOf(Parts);

        public long PushedLines => Pushes.Sum(static push => (long)push.Body.Lines);

        /// <summary>
        /// Keeps what of the parts is still in the pushes; returns the rest, which is decided, and what of that was refused.
        /// </summary>
        /// <param name="parts">Of which some are to be kept.</param>
        /// <param name="rejected">What of them was refused since the last call.</param>
        public (IReadOnlyList<BatchPart> Parts, long Acked, IReadOnlyList<RejectedLines> Rejected) Keep(
            IReadOnlyList<BatchPart> parts, IReadOnlyList<RejectedLines>? rejected)
        {
            Dictionary<(string Labels, long MinuteNanos), int> waiting = [];
            foreach (ParkedPush push in Pushes) DecodedPush.Read(push.Body).CountInto(waiting);
            List<BatchPart> now = [], later = [];
            foreach (BatchPart part in parts)
            {
                int lines = Take(waiting, part);
                // Which of its entries wait makes no difference to the books: they count numbers, and every number once.
                if (lines < part.Lines) now.Add(part with { Lines = part.Lines - lines });
                if (lines > 0) later.Add(part with { Lines = lines, Origin = part.Origin with { FirstEntry = part.Origin.FirstEntry + part.Lines - lines } });
            }
            // More entries than their files account for: one of them is let go already. Then nothing is booked before everything is decided.
            if (LinesOf(later) < PushedLines) (now, later) = ([], [.. parts]);
            // Where Loki does not say in which stream an entry lies that it refused: in one of those that are booked now, as far as they have so many.
            long room = LinesOf(now);
            List<RejectedLines> rejectedNow = [], rejectedLater = [];
            foreach (RejectedLines one in (IEnumerable<RejectedLines>)[.. Rejected, .. rejected ?? []])
            {
                bool mayBeHere = one.Stream is null || later.Count == 0 || now.Exists(part => StreamsIn(part.Origin.File, [one.Stream]) != LineStreams.None);
                long here = mayBeHere ? Math.Min(room, one.Lines) : 0;
                room -= here;
                if (here > 0) rejectedNow.Add(one with { Lines = here });
                if (one.Lines > here) rejectedLater.Add(one with { Lines = one.Lines - here });
            }
            (Parts, Rejected) = (later, rejectedLater);
            return (now, room, rejectedNow);
        }

        /// <summary>How many entries of a part wait.</summary>
        private static int Take(Dictionary<(string Labels, long MinuteNanos), int> waiting, BatchPart part)
        {
            int taken = 0;
            foreach (string labels in ((PipelineFile)part.Origin.File.Frame!).LabelTexts())
            {
                if (!waiting.TryGetValue((labels, part.MinuteNanos), out int lines)) continue;
                int here = Math.Min(lines, part.Lines - taken);
                waiting[(labels, part.MinuteNanos)] = lines - here;
                taken += here;
            }
            return taken;
        }

        private static long LinesOf(IReadOnlyList<BatchPart> parts) => parts.Sum(static part => (long)part.Lines);
    }

    /// <summary>Number of the oldest batch with parked entries; <see cref="long.MaxValue"/>: none. Any thread.</summary>
    public long OldestParkedSequence => Volatile.Read(ref _oldestParkedSequence);

    /// <summary>Time of an entry not newer than the oldest parked one; 0: none. Any thread.</summary>
    public long OldestParkedUnixNanos => Volatile.Read(ref _oldestParkedUnixNanos);

    /// <summary>Everything under way; complete when it has published what it decided.</summary>
    public Task Ended
    {
        get
        {
            lock (_gate) return Task.WhenAll(_delivery, _retries);
        }
    }

    /// <summary>Lane: sends a batch; the one before is decided.</summary>
    public void Start(SealedBatch batch, CancellationToken abandon) => _delivery = Task.Run(() => DeliverAsync(batch, abandon), CancellationToken.None);

    /// <summary>Lane, at stop: parked streams are left to the next start.</summary>
    public void StopRetries() => _stopRetries.Cancel();

    public void Dispose() => _stopRetries.Dispose();

    private async Task DeliverAsync(SealedBatch batch, CancellationToken abandon)
    {
        string? name = tenant.Tenant.Length == 0 ? null : tenant.Tenant;
        var memory = new BatchMemory(batch, tenant, shared);
        while (true)
        {
            try
            {
                List<ParkedPush> aside = [];
                DeliveryResult result = default;
                var whole = new PushBody(name, memory.Compressed, batch.RequestBytes, batch.Lines, batch.Streams, null) { Owner = memory };
                if (WithoutParkedStreams(whole, batch, aside) is { } push)
                {
                    result = await shared.Delivery.DeliverAsync(push with { Stamp = shared.StampFor(tenant, push.Lines) }, abandon).ConfigureAwait(false);
                    if (result.Parked is { } refused) aside.AddRange(refused);
                }
                if (aside.Count > 0) await OwnAsync(aside, memory, abandon).ConfigureAwait(false);
                Settle(batch, result, aside, abandon);
                memory.Release();
                tenant.Done(batch);
                decided();
                return;
            }
            catch (OperationCanceledException)
            {
                // The program stops first: nothing of the batch is acknowledged, the next start sends it again.
                return;
            }
            catch (Exception failure)
            {
                // A defect of ours. The batch is not lost: the same bytes go out again, and what Loki has already stored it recognises.
                Log.DeliveryFailed(log, tenant.Tenant, defectPause, failure);
                await Task.Delay(defectPause, time, abandon).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Entries of a stream that is parked go behind those that wait already: they would be refused, or overtake older ones.</summary>
    private PushBody? WithoutParkedStreams(PushBody whole, SealedBatch batch, List<ParkedPush> aside)
    {
        HashSet<string> labels;
        lock (_gate)
        {
            if (_parked.Count == 0) return whole;
            labels = ParkedLabels(long.MaxValue);
        }
        if (!batch.Marks.Any(mark => StreamsIn(mark.File, labels) != LineStreams.None)) return whole;
        (PushBody? parked, PushBody? others) = DecodedPush.Read(whole).Divide(labels.Contains, out IReadOnlySet<string> found);
        if (parked is not null) aside.Add(new ParkedPush(parked, found, null));
        return others;
    }

    /// <summary>Parked pushes outlive their batch's buffer, and there is a bound on them: beyond it the tenant waits for what is parked.</summary>
    private async Task OwnAsync(List<ParkedPush> aside, BatchMemory batch, CancellationToken abandon)
    {
        for (int attempt = 0; !shared.Parked.TryTake(BytesOf(aside)); attempt++)
            await Task.Delay(shared.Delivery.ParkedDelay.Next(attempt, retryAfter: null), time, abandon).ConfigureAwait(false);
        for (int i = 0; i < aside.Count; i++)
        {
            PushBody body = aside[i].Body with { Owner = null };
            if (batch.Holds(body.Compressed)) body = body with { Compressed = body.Compressed.ToArray() };
            aside[i] = aside[i] with { Body = body };
        }
    }

    private void Settle(SealedBatch batch, in DeliveryResult result, List<ParkedPush> aside, CancellationToken abandon)
    {
        // 7. Commit: the books first, then the positions, so that a position on disk is never ahead of them.
        lock (_gate)
        {
            IReadOnlyList<BatchPart> parts = batch.Parts;
            (long acked, IReadOnlyList<RejectedLines>? rejected) = (result.Acked, result.RejectedIn);
            if (aside.Count > 0)
            {
                var parked = new Parked(batch.Sequence, batch.FirstUnixNanos, aside);
                (parts, acked, rejected) = parked.Keep(parts, rejected);
                _parked.Add(parked);
            }
            shared.Decided(tenant, parts, acked, rejected, ParkedLines(), endsBatch: true);
            HashSet<string> labels = ParkedLabels(long.MaxValue);
            foreach (FileMark mark in batch.Marks)
            {
                LineStreams waiting = labels.Count == 0 ? LineStreams.None : StreamsIn(mark.File, labels);
                if (waiting == LineStreams.None) mark.File.Acknowledge(mark.Position);
                else Defer(batch.Sequence, mark, waiting);
            }
            NoteParked();
            if (_parked.Count > 0 && !_isRetrying)
            {
                _isRetrying = true;
                _retries = Task.Run(() => RetryParkedAsync(abandon), CancellationToken.None);
            }
        }
        shared.Delivered();
    }

    /// <summary>Rounds over what is parked, until nothing is. A round that got something through is followed by the next one soon.</summary>
    private async Task RetryParkedAsync(CancellationToken abandon)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(abandon, _stopRetries.Token);
        int attempt = 0;
        try
        {
            while (true)
            {
                await Task.Delay(shared.Delivery.ParkedDelay.Next(attempt, LongestRetryAfter()), time, either.Token).ConfigureAwait(false);
                Parked[] round;
                lock (_gate) round = [.. _parked];
                HashSet<string> refused = [];
                long letIn = 0;
                foreach (Parked parked in round) letIn += await RetryAsync(parked, refused, either.Token).ConfigureAwait(false);
                attempt = letIn > 0 ? 0 : attempt + 1;
                lock (_gate)
                {
                    if (_parked.Count > 0) continue;
                    _isRetrying = false;
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The program stops: the positions stand before what is parked, and the next start sends it again.
        }
        catch (Exception failure)
        {
            Log.DeliveryFailed(log, tenant.Tenant, defectPause, failure);
            await Task.Delay(defectPause, time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            lock (_gate)
            {
                // Nothing is taken out of the list before it is decided, so the next rounds find it.
                if (!either.IsCancellationRequested) _retries = Task.Run(() => RetryParkedAsync(abandon), CancellationToken.None);
            }
        }
    }

    /// <summary>One more try for what one batch left behind; returns the lines decided. <paramref name="refused"/>: streams that need not be asked for in this round.</summary>
    private async Task<long> RetryAsync(Parked parked, HashSet<string> refused, CancellationToken stop)
    {
        long letIn = 0;
        foreach (ParkedPush push in parked.Pushes.ToArray())
        {
            (PushBody? hopeless, PushBody? hopeful) = DecodedPush.Read(push.Body).Divide(refused.Contains, out IReadOnlySet<string> hopelessLabels);
            if (hopeful is null) continue;
            shared.Metrics.Retried("429");
            DeliveryResult result = await shared.Delivery
                .DeliverAsync(hopeful with { Stamp = shared.StampFor(tenant, hopeful.Lines), IsTriedAgain = true }, stop).ConfigureAwait(false);
            List<ParkedPush> left = hopeless is null ? [] : [new ParkedPush(hopeless, hopelessLabels, push.RetryAfter)];
            if (result.Parked is { } again) left.AddRange(again);
            foreach (ParkedPush still in left) refused.UnionWith(still.Labels);
            long linesDecided = result.Acked + result.Rejected;
            letIn += linesDecided;
            Settle(parked, push, left, result);
            if (linesDecided > 0) Log.StreamsLetIn(log, tenant.Tenant, linesDecided);
        }
        return letIn;
    }

    private void Settle(Parked parked, ParkedPush push, List<ParkedPush> left, in DeliveryResult result)
    {
        lock (_gate)
        {
            shared.Parked.GiveBack(push.Body.Compressed.Length);
            shared.Parked.Take(BytesOf(left));
            int place = parked.Pushes.IndexOf(push);
            parked.Pushes.RemoveAt(place);
            parked.Pushes.InsertRange(place, left);
            (IReadOnlyList<BatchPart> parts, long acked, IReadOnlyList<RejectedLines> rejected) = parked.Keep(parked.Parts, result.RejectedIn);
            if (parked.Pushes.Count == 0) _parked.Remove(parked);
            shared.Decided(tenant, parts, acked, rejected, ParkedLines(), endsBatch: false);
            ReleaseDeferred();
            NoteParked();
        }
        shared.Delivered();
        decided();
    }

    /// <summary>Lines of one stream of the file, or of both, are parked: the position of the other one goes on.</summary>
    private void Defer(long sequence, FileMark mark, LineStreams waiting)
    {
        if (!_deferred.TryGetValue(mark.File, out List<(long Sequence, FilePosition Position)>? positions)) _deferred.Add(mark.File, positions = []);
        // A stream can be parked for hours, while batches of the other one come every second: what waits for the same pushes is one position.
        if (positions is [.., var last] && StreamsIn(mark.File, ParkedLabels(sequence, after: last.Sequence)) == LineStreams.None)
            positions[^1] = (sequence, mark.Position);
        else positions.Add((sequence, mark.Position));
        Advance(mark.File, mark.Position, waiting);
        ((PipelineFile)mark.File.Frame!).Parked = waiting;
    }

    /// <summary>Publishes how far the streams of files are decided, as far as no entry before that is parked any more.</summary>
    private void ReleaseDeferred()
    {
        HashSet<string> all = ParkedLabels(long.MaxValue);
        Dictionary<long, HashSet<string>> upTo = [];
        foreach ((TailedFile file, List<(long Sequence, FilePosition Position)> positions) in _deferred)
        {
            while (positions is [var (sequence, position), ..])
            {
                if (!upTo.TryGetValue(sequence, out HashSet<string>? labels)) upTo.Add(sequence, labels = ParkedLabels(sequence));
                LineStreams waiting = StreamsIn(file, labels);
                Advance(file, position, waiting);
                if (waiting != LineStreams.None) break;
                positions.RemoveAt(0);
            }
            ((PipelineFile)file.Frame!).Parked = positions.Count == 0 ? LineStreams.None : StreamsIn(file, all);
            if (positions.Count == 0) _deferred.Remove(file);
        }
    }

    /// <summary>Each stream is done up to its later place of the two, but for those that wait.</summary>
    private static void Advance(TailedFile file, FilePosition position, LineStreams waiting)
    {
        FilePosition acked = file.Acked;
        if (acked.Generation != position.Generation)
        {
            // The content was replaced; whose position that is the file knows.
            if (waiting == LineStreams.None) file.Acknowledge(position);
            return;
        }
        FilePosition? joined = StreamPlaces.Join(Later(LineStream.Stdout), Later(LineStream.Stderr));
        if (joined is not null && !ReferenceEquals(joined, acked)) file.Acknowledge(joined);

        FilePosition Later(LineStream stream) =>
            !waiting.Has(stream) && StreamPlaces.PlaceOf(stream, position) > StreamPlaces.PlaceOf(stream, acked) ? position : acked;
    }

    private void NoteParked()
    {
        Volatile.Write(ref _oldestParkedUnixNanos, _parked.Count == 0 ? 0 : _parked.Min(static parked => parked.FirstUnixNanos));
        Volatile.Write(ref _oldestParkedSequence, _parked.Count == 0 ? long.MaxValue : _parked[0].Sequence);
    }

    private long ParkedLines() => _parked.Sum(static parked => parked.Lines);

    private static long BytesOf(List<ParkedPush> pushes) => pushes.Sum(static push => (long)push.Body.Compressed.Length);

    /// <summary>Labels of streams with parked entries of batches up to this one (and after another).</summary>
    private HashSet<string> ParkedLabels(long sequence, long after = 0) =>
        [.. _parked.Where(parked => parked.Sequence > after && parked.Sequence <= sequence).SelectMany(static parked => parked.Pushes).SelectMany(static push => push.Labels)];

    private TimeSpan? LongestRetryAfter()
    {
        lock (_gate) return _parked.SelectMany(static parked => parked.Pushes).Max(static push => push.RetryAfter);
    }

    private static LineStreams StreamsIn(TailedFile file, HashSet<string> labels) => ((PipelineFile)file.Frame!).StreamsIn(labels);
}
