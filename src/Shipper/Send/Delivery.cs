// Carries a push until each of its lines is decided. This is where "no line is lost silently" is kept on the wire: there is no attempt limit,
// no age limit and no queue to overflow; a push leaves here acknowledged, rejected with a reason, or not at all (at stop).
using System.Collections.Concurrent;
using LokiGateway.Protocol.Push;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace LokiGateway.Shipper.Send;

/// <summary>
/// Delivers pushes by the status table of docs/ARCHITECTURE.md. Thread-safe: every sender has its own push under way, and one that waits (a
/// tenant's 429) does not touch the others.
/// </summary>
internal sealed class Delivery : IDisposable
{
    /// <summary>What a line ends in that had to be cut to get through.</summary>
    public const string CutMarker = " [truncated]";

    private readonly PushClient _client;
    private readonly SendObserver _observer;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly RejectedEntries _samples;
    private readonly Func<double> _random;
    private readonly bool _paces;
    private readonly Outage _outage;
    private readonly ResiliencePipeline<PushAnswer> _untilDecided;
    private readonly ConcurrentDictionary<string, TenantPace> _paceOf = new();
    private int _held;
    private string? _heldReason;

    public Delivery(
        EndpointOptions options, SendObserver observer, TimeProvider time, ILogger log, Func<double>? random = null, RejectedEntries? samples = null,
        EndpointClock? clock = null)
    {
        _client = new PushClient(options, observer, time, log, clock);
        _observer = observer;
        _time = time;
        _log = log;
        _samples = samples ?? RejectedEntries.None;
        _random = random ?? Random.Shared.NextDouble;
        _paces = options.RetryOn429;
        _outage = new Outage(time);
        RetryDelay delay = new(options.MinBackoff, options.MaxBackoff, _random);
        ParkedDelay = delay;
        _untilDecided = new ResiliencePipelineBuilder<PushAnswer> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<PushAnswer>
            {
                ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Result is { Outcome: DeliveryOutcome.Retry or DeliveryOutcome.Hold }),
                MaxRetryAttempts = int.MaxValue,
                // Waited here, because this wait can end early.
                DelayGenerator = async arguments =>
                {
                    PushAnswer answer = arguments.Outcome.Result!;
                    await _outage.WaitAsync(delay.Next(arguments.AttemptNumber, answer), answer, arguments.Context.CancellationToken).ConfigureAwait(false);
                    return TimeSpan.Zero;
                },
            })
            .Build();
    }

    /// <summary>True while a push waits for somebody to change something; the shipper is not ready then.</summary>
    public bool IsHeld => Volatile.Read(ref _held) > 0;

    /// <summary>Why, in the endpoint's words.</summary>
    public string? HeldReason => Volatile.Read(ref _heldReason);

    /// <summary>How long parked streams wait.</summary>
    public RetryDelay ParkedDelay { get; }

    /// <summary>
    /// Returns when every line of the push is decided, however long that takes, or belongs to a stream that is over its limit: those are handed back as
    /// <see cref="DeliveryResult.Parked"/>. At <paramref name="stop"/> it throws <see cref="OperationCanceledException"/> and nothing of the push may be
    /// taken for delivered.
    /// </summary>
    public async Task<DeliveryResult> DeliverAsync(PushBody body, CancellationToken stop)
    {
        Tally tally = new();
        await DecideAsync(body, tally, null, stop).ConfigureAwait(false);
        return tally.Result(body.Lines);
    }

    /// <summary>One attempt to post a report of the books beside the push route.</summary>
    public Task<ReportAnswer> PostReportAsync(string? tenant, ReadOnlyMemory<byte> json, CancellationToken stop) =>
        _client.PostReportAsync(tenant, json, stop);

    /// <summary>The speed of a tenant.</summary>
    public TenantPace PaceOf(string? tenant) => _paceOf.GetOrAdd(tenant ?? "", static (_, delivery) => new TenantPace(delivery._time, delivery._random), this);

    public void Dispose() => _client.Dispose();

    // Halving recurses: at most log2(lines) deep, and only over pushes that were refused.
    private async Task DecideAsync(PushBody body, Tally tally, StreamSearch? search, CancellationToken stop)
    {
        (PushAnswer answer, body) = await SendUntilDecidedAsync(body, stop).ConfigureAwait(false);
        switch (answer.Outcome)
        {
            case DeliveryOutcome.Acknowledged:
                search?.FoundGood();
                break;
            case DeliveryOutcome.PartlyRejected:
                Log.EntriesRejected(_log, body.Tenant, answer.Status, answer.Text);
                Reject(body, answer.Rejections!, answer, tally);
                break;
            case DeliveryOutcome.StreamsRefused:
                await WithoutRefusedStreamsAsync(body, answer, tally, search, stop).ConfigureAwait(false);
                break;
            case DeliveryOutcome.TooLarge:
                await SendSmallerAsync(body, answer, tally, search, stop).ConfigureAwait(false);
                break;
            case DeliveryOutcome.Refused:
                await FindRefusedAsync(body, answer, tally, search, stop).ConfigureAwait(false);
                break;
            default:
                throw new InvalidOperationException($"{answer.Outcome} does not end a delivery");
        }
    }

    /// <summary>The whole request was refused: by halves down to the stream, and within a stream down to the entry that is at fault.</summary>
    private async Task FindRefusedAsync(PushBody body, PushAnswer answer, Tally tally, StreamSearch? search, CancellationToken stop)
    {
        bool isRateLimit = answer.Status == "429";
        if (body.Streams > 1 && !isRateLimit)
        {
            (PushBody first, PushBody second) = DecodedPush.Read(body).HalveByStream();
            await DecideAsync(first, tally, null, stop).ConfigureAwait(false);
            await DecideAsync(second, tally, null, stop).ConfigureAwait(false);
            return;
        }
        // Labels are at fault in every entry alike; anything else may be one entry's.
        bool isOneFault = isRateLimit || body.Lines == 1 || LokiRejection.WholeStreamReason(answer.Body) is not null;
        search ??= new StreamSearch();
        if (!isOneFault && !search.IsHopeless && DecodedPush.Read(body).HalveByBytes() is var (left, right))
        {
            await DecideAsync(left, tally, search, stop).ConfigureAwait(false);
            if (search.IsHopeless) RejectStream(right, answer, tally);
            else await DecideAsync(right, tally, search, stop).ConfigureAwait(false);
            return;
        }
        if (body.Lines == 1) search.FoundBad();
        RejectStream(body, answer, tally);
    }

    private void RejectStream(PushBody body, PushAnswer answer, Tally tally)
    {
        Log.StreamRefused(_log, body.Tenant, body.Lines, answer.Status, answer.Text);
        Reject(body, [new LokiRejection(answer.RefusalReason, body.Lines)], answer, tally);
    }

    private async Task WithoutRefusedStreamsAsync(PushBody body, PushAnswer answer, Tally tally, StreamSearch? search, CancellationToken stop)
    {
        RefusedStreams refused = answer.Streams!;
        HashSet<string> names = [.. refused.Labels];
        DecodedPush push = DecodedPush.Read(body);
        (PushBody? named, PushBody? others) = push.Divide(
            labels => names.Contains(labels) || names.Count == 1 && LokiRejection.IsNamed(labels, refused.Labels[0]), out IReadOnlySet<string> labels);
        // An answer about a stream that we did not send: with a single one there is no doubt who is meant, otherwise the parts will tell.
        if (named is null && body.Streams == 1) (named, others, labels) = (body, null, push.Labels());
        if (named is null)
        {
            (PushBody first, PushBody second) = push.HalveByStream();
            await DecideAsync(first, tally, search, stop).ConfigureAwait(false);
            await DecideAsync(second, tally, search, stop).ConfigureAwait(false);
            return;
        }
        if (!body.IsTriedAgain) Log.StreamsRefused(_log, body.Tenant, named.Streams, named.Lines, refused.AreRetried, answer.Status, answer.Text);
        if (refused.AreRetried) tally.Park(new ParkedPush(named, labels, answer.RetryAfter));
        else Reject(named, [new LokiRejection(refused.Reason, named.Lines)], answer, tally);
        if (others is null) return;
        // Stored are the others for sure only if every name was one of ours.
        if (!refused.AreAll || labels.Count < names.Count)
        {
            _observer.Resent(others.Lines);
            await DecideAsync(others, tally, search, stop).ConfigureAwait(false);
        }
        else if (answer.Rejections is { } rejections) Reject(others, rejections, answer, tally);
    }

    private async Task SendSmallerAsync(PushBody body, PushAnswer answer, Tally tally, StreamSearch? search, CancellationToken stop)
    {
        DecodedPush push = DecodedPush.Read(body);
        if (push.HalveByBytes() is var (first, second))
        {
            Log.SentInHalves(_log, body.Tenant, body.Lines, body.DecompressedLength, answer.Status, answer.Text);
            await DecideAsync(first, tally, search, stop).ConfigureAwait(false);
            await DecideAsync(second, tally, search, stop).ConfigureAwait(false);
        }
        else if (push.CutLine(System.Text.Encoding.UTF8.GetBytes(CutMarker)) is { } shorter)
        {
            Log.LineCutForEndpoint(_log, body.Tenant, body.DecompressedLength, answer.Status, answer.Text);
            await DecideAsync(shorter, tally, search, stop).ConfigureAwait(false);
        }
        else
        {
            Log.StreamRefused(_log, body.Tenant, body.Lines, answer.Status, answer.Text);
            Reject(body, [new LokiRejection("too_large", body.Lines)], answer, tally);
        }
    }

    /// <summary>Books entries as refused for good, with samples for the dead-letter file.</summary>
    private void Reject(PushBody body, IReadOnlyList<LokiRejection> rejections, PushAnswer answer, Tally tally)
    {
        DecodedPush push = DecodedPush.Read(body);
        string? named = LokiRejection.NamedStream(answer.Body);
        string? stream = push.StreamNamed(named);
        // Loki's text is not trusted to add up: no more lines are refused than were sent.
        long left = body.Lines;
        foreach (LokiRejection rejection in rejections)
        {
            long entries = Math.Min(left, rejection.Entries);
            left -= entries;
            if (entries == 0) continue;
            tally.Reject(rejection.Reason, entries, stream);
            if (_samples.IsOn) push.Sample(rejection with { Entries = entries }, named, answer.ForHumans, _samples);
        }
    }

    /// <summary>Returns the answer that decides, and the push as it is now: its owner may have moved its bytes.</summary>
    private async Task<(PushAnswer Answer, PushBody Body)> SendUntilDecidedAsync(PushBody body, CancellationToken stop)
    {
        Attempts attempts = new(this, body);
        try
        {
            PushAnswer answer = await _untilDecided.ExecuteAsync(static (state, cancel) => state.NextAsync(cancel), attempts, stop).ConfigureAwait(false);
            return (answer, attempts.Body);
        }
        finally
        {
            attempts.Leave();
        }
    }

    /// <summary>The search for refused entries within one stream.</summary>
    private sealed class StreamSearch
    {
        /// <summary>
        /// So many single entries refused and none taken: the stream is at fault, and the rest of it is refused with them instead of asking the
        /// endpoint twice per line.
        /// </summary>
        private const int RefusedAloneMax = 64;

        private int _refusedAlone;
        private bool _isGoodToo;

        public bool IsHopeless => _refusedAlone >= RefusedAloneMax && !_isGoodToo;

        public void FoundBad() => _refusedAlone++;

        public void FoundGood() => _isGoodToo = true;
    }

    /// <summary>The attempts of one push: what is said once, not at every repetition.</summary>
    private sealed class Attempts(Delivery delivery, PushBody body)
    {
        /// <summary>A second failure in a row is no hiccup: the push may take long, and its owner wants to know.</summary>
        private const int FailuresBeforeStalled = 2;

        /// <summary>After so many 429s in a row a push is halved: one that is larger than the tenant's burst would never pass as it is.</summary>
        private const int RateLimitedBeforeHalving = 4;

        public PushBody Body { get; private set; } = body;

        private readonly long _startedAt = delivery._time.GetTimestamp();
        private int _failures;
        private int _rateLimited;
        private bool _holding;
        private string? _lastStatus;

        public async ValueTask<PushAnswer> NextAsync(CancellationToken stop)
        {
            TenantPace pace = delivery.PaceOf(Body.Tenant);
            if (pace.Take(Body.DecompressedLength) is var wait && wait > TimeSpan.Zero) await Task.Delay(wait, delivery._time, stop).ConfigureAwait(false);
            long sentAt = delivery._time.GetTimestamp();
            delivery._observer.Sent(Body.Compressed.Length);
            if (_failures > 0 && _lastStatus is "timeout" or "connection") delivery._observer.Resent(Body.Lines);
            PushAnswer answer = await delivery._client.PushAsync(Body, stop).ConfigureAwait(false);
            if (answer.Outcome is DeliveryOutcome.Acknowledged or DeliveryOutcome.PartlyRejected or DeliveryOutcome.StreamsRefused)
            {
                pace.Succeeded(Body.DecompressedLength);
                delivery._outage.Succeeded();
            }
            else if (answer.Status == "429" && delivery._paces) pace.Limited(Body.DecompressedLength, sentAt);
            _rateLimited = answer is { Status: "429", Outcome: DeliveryOutcome.Retry } ? _rateLimited + 1 : 0;
            if (_rateLimited >= RateLimitedBeforeHalving && Body.Lines > 1) answer = answer with { Outcome = DeliveryOutcome.TooLarge };
            if (answer.Outcome is DeliveryOutcome.Retry or DeliveryOutcome.Hold) Failed(answer);
            else if (_failures > 0 && answer.Outcome != DeliveryOutcome.TooLarge) Recovered();
            return answer;
        }

        public void Leave() => Hold(false);

        private void Failed(PushAnswer answer)
        {
            _failures++;
            delivery._observer.Retried(answer.Status);
            if (_failures == FailuresBeforeStalled && Body.Owner is { } owner) Body = Body with { Compressed = owner.Stalled(Body.Compressed) };
            Hold(answer.Outcome == DeliveryOutcome.Hold);
            if (_holding) Volatile.Write(ref delivery._heldReason, $"endpoint answers {answer.Status}: {answer.Text}");
            if (answer.Status == _lastStatus) return;
            _lastStatus = answer.Status;
            if (_holding) Log.Held(delivery._log, Body.Tenant, answer.Status, answer.Text);
            else Log.Retrying(delivery._log, Body.Tenant, answer.Status, answer.Text);
        }

        private void Recovered()
        {
            Hold(false);
            Body.Owner?.GoesOn();
            Log.Recovered(delivery._log, Body.Tenant, _failures, (long)delivery._time.GetElapsedTime(_startedAt).TotalSeconds);
        }

        private void Hold(bool holding)
        {
            if (holding == _holding) return;
            _holding = holding;
            Interlocked.Add(ref delivery._held, holding ? 1 : -1);
        }
    }

    /// <summary>Adds up what the pieces of one push came to.</summary>
    private sealed class Tally
    {
        private Dictionary<string, long>? _rejected;
        private List<RejectedLines>? _rejectedIn;
        private List<ParkedPush>? _parked;

        public void Park(ParkedPush push) => (_parked ??= []).Add(push);

        public void Reject(string reason, long lines, string? stream)
        {
            (_rejectedIn ??= []).Add(new RejectedLines(reason, lines, stream));
            _rejected ??= [];
            _rejected[reason] = _rejected.GetValueOrDefault(reason) + lines;
        }

        public DeliveryResult Result(int lines)
        {
            long rejected = _rejected?.Values.Sum() ?? 0;
            long parked = _parked?.Sum(static push => (long)push.Body.Lines) ?? 0;
            return new DeliveryResult(lines - rejected - parked, rejected, _rejected, _parked, _rejectedIn);
        }
    }
}
