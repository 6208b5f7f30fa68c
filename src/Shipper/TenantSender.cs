// What happens to a batch after the lane has sealed it. A tenant's batches go one after the other; streams that are over their own limit are set aside, so
// that the tenant's other streams go on, and only the files that these streams come from wait.
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Send;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper;

/// <summary>
/// One tenant's sender in one lane. <see cref="Start"/> and <see cref="StopRetries"/> are the lane's; the rest runs on tasks of its own and publishes
/// through <see cref="PipelineTenant.Done"/>, <see cref="PipelineFile.IsParked"/> and the files' acknowledged positions. Invariant: a file's position
/// never passes an entry that is not decided.
/// </summary>
internal sealed class TenantSender(PipelineTenant tenant, ShipperParts shared, TimeSpan defectPause, ILogger log, TimeProvider time, Action decided)
    : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopRetries = new();

    // All under the gate. Parked: undecided pushes of streams over their limit, oldest first. Deferred: marks of files with lines in them.
    private readonly List<Parked> _parked = [];
    private readonly List<(long Sequence, FileMark Mark)> _deferred = [];
    private Task _delivery = Task.CompletedTask;
    private Task _retries = Task.CompletedTask;
    private bool _isRetrying;
    private long _oldestParkedSequence = long.MaxValue;
    private long _oldestParkedUnixNanos;

    /// <summary>
    /// What a batch has left behind: pushes that are to be tried again, and the parts of the batch that are not booked yet, because their files have
    /// entries in them.
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
        /// Keeps the parts that may have entries in the pushes; returns the others, which are decided, and what of them was refused.
        /// </summary>
        /// <param name="parts">Of which some are to be kept.</param>
        /// <param name="rejected">What of them was refused since the last call.</param>
        public (IReadOnlyList<BatchPart> Parts, long Acked, IReadOnlyList<RejectedLines> Rejected) Keep(
            IReadOnlyList<BatchPart> parts, IReadOnlyList<RejectedLines>? rejected)
        {
            HashSet<string> labels = [.. Pushes.SelectMany(static push => push.Labels)];
            List<BatchPart> now = [], later = [];
            foreach (BatchPart part in parts) (WritesTo(part.Origin.File, labels) ? later : now).Add(part);
            // More entries than their files account for: one of them is let go already. Then nothing is booked before everything is decided.
            if (LinesOf(later) < PushedLines) (now, later) = ([], [.. parts]);
            // Where Loki does not say in which stream an entry lies that it refused: in one of those that are booked now, as far as they have so many.
            long room = LinesOf(now);
            List<RejectedLines> rejectedNow = [], rejectedLater = [];
            foreach (RejectedLines one in (IEnumerable<RejectedLines>)[.. Rejected, .. rejected ?? []])
            {
                bool mayBeHere = one.Stream is null || later.Count == 0 || now.Exists(part => WritesTo(part.Origin.File, new HashSet<string> { one.Stream }));
                long here = mayBeHere ? Math.Min(room, one.Lines) : 0;
                room -= here;
                if (here > 0) rejectedNow.Add(one with { Lines = here });
                if (one.Lines > here) rejectedLater.Add(one with { Lines = one.Lines - here });
            }
            (Parts, Rejected) = (later, rejectedLater);
            return (now, room, rejectedNow);
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
        if (!batch.Marks.Any(mark => WritesTo(mark.File, labels))) return whole;
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
                if (labels.Count == 0 || !WritesTo(mark.File, labels))
                {
                    mark.File.Acknowledge(mark.Position);
                    continue;
                }
                ((PipelineFile)mark.File.Frame!).IsParked = true;
                _deferred.Add((batch.Sequence, mark));
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
                .DeliverAsync(hopeful with { Stamp = shared.StampFor(tenant, hopeful.Lines) }, stop).ConfigureAwait(false);
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
            ReleaseMarks();
            NoteParked();
        }
        shared.Delivered();
        decided();
    }

    /// <summary>Publishes the positions of files none of whose entries before them are parked any more, oldest first.</summary>
    private void ReleaseMarks()
    {
        for (int i = 0; i < _deferred.Count;)
        {
            (long sequence, FileMark mark) = _deferred[i];
            if (WritesTo(mark.File, ParkedLabels(sequence)))
            {
                i++;
                continue;
            }
            mark.File.Acknowledge(mark.Position);
            _deferred.RemoveAt(i);
            if (!_deferred.Exists(other => ReferenceEquals(other.Mark.File, mark.File))) ((PipelineFile)mark.File.Frame!).IsParked = false;
        }
    }

    private void NoteParked()
    {
        Volatile.Write(ref _oldestParkedUnixNanos, _parked.Count == 0 ? 0 : _parked.Min(static parked => parked.FirstUnixNanos));
        Volatile.Write(ref _oldestParkedSequence, _parked.Count == 0 ? long.MaxValue : _parked[0].Sequence);
    }

    private long ParkedLines() => _parked.Sum(static parked => parked.Lines);

    private static long BytesOf(List<ParkedPush> pushes) => pushes.Sum(static push => (long)push.Body.Compressed.Length);

    /// <summary>Labels of streams with parked entries of batches up to this one.</summary>
    private HashSet<string> ParkedLabels(long sequence) =>
        [.. _parked.Where(parked => parked.Sequence <= sequence).SelectMany(static parked => parked.Pushes).SelectMany(static push => push.Labels)];

    private TimeSpan? LongestRetryAfter()
    {
        lock (_gate) return _parked.SelectMany(static parked => parked.Pushes).Max(static push => push.RetryAfter);
    }

    private static bool WritesTo(TailedFile file, HashSet<string> labels) => ((PipelineFile)file.Frame!).WritesTo(labels);
}
