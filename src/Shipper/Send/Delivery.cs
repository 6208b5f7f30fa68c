// Carries a push until each of its lines is decided. This is where "no line is lost silently" is kept on the wire: there is no attempt limit,
// no age limit and no queue to overflow; a push leaves here acknowledged, rejected with a reason, or not at all (at stop).
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
    private readonly ResiliencePipeline<PushAnswer> _untilDecided;
    private int _held;
    private string? _heldReason;

    public Delivery(EndpointOptions options, SendObserver observer, TimeProvider time, ILogger log, Func<double>? random = null)
    {
        _client = new PushClient(options, observer, time, log);
        _observer = observer;
        _time = time;
        _log = log;
        RetryDelay delay = new(options.MinBackoff, options.MaxBackoff, random ?? Random.Shared.NextDouble);
        _untilDecided = new ResiliencePipelineBuilder<PushAnswer> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<PushAnswer>
            {
                ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Result is { Outcome: DeliveryOutcome.Retry or DeliveryOutcome.Hold }),
                MaxRetryAttempts = int.MaxValue,
                DelayGenerator = arguments => ValueTask.FromResult<TimeSpan?>(delay.Next(arguments.AttemptNumber, arguments.Outcome.Result!)),
            })
            .Build();
    }

    /// <summary>True while a push waits for somebody to change something; the shipper is not ready then.</summary>
    public bool IsHeld => Volatile.Read(ref _held) > 0;

    /// <summary>Why, in the endpoint's words.</summary>
    public string? HeldReason => Volatile.Read(ref _heldReason);

    /// <summary>
    /// Returns when every line of the push is decided, however long that takes. At <paramref name="stop"/> it throws
    /// <see cref="OperationCanceledException"/> and nothing of the push may be taken for delivered.
    /// </summary>
    public async Task<DeliveryResult> DeliverAsync(PushBody body, CancellationToken stop)
    {
        Tally tally = new();
        await DecideAsync(body, tally, stop).ConfigureAwait(false);
        return tally.Result(body.Lines);
    }

    /// <summary>One attempt to post a report of the books beside the push route.</summary>
    public Task<ReportAnswer> PostReportAsync(string? tenant, ReadOnlyMemory<byte> json, CancellationToken stop) =>
        _client.PostReportAsync(tenant, json, stop);

    public void Dispose() => _client.Dispose();

    // Halving recurses: at most log2(lines) deep, and only over pushes that were refused.
    private async Task DecideAsync(PushBody body, Tally tally, CancellationToken stop)
    {
        PushAnswer answer = await SendUntilDecidedAsync(body, stop).ConfigureAwait(false);
        switch (answer.Outcome)
        {
            case DeliveryOutcome.Acknowledged:
                break;
            case DeliveryOutcome.PartlyRejected:
                Log.EntriesRejected(_log, body.Tenant, answer.Status, answer.Text);
                tally.Reject(answer.Rejections!, body.Lines);
                break;
            case DeliveryOutcome.TooLarge:
                await SendSmallerAsync(body, answer, tally, stop).ConfigureAwait(false);
                break;
            case DeliveryOutcome.Refused when body.Streams > 1 && answer.Status != "429":
                (PushBody first, PushBody second) = DecodedPush.Read(body).HalveByStream();
                await DecideAsync(first, tally, stop).ConfigureAwait(false);
                await DecideAsync(second, tally, stop).ConfigureAwait(false);
                break;
            case DeliveryOutcome.Refused:
                Log.StreamRefused(_log, body.Tenant, body.Lines, answer.Status, answer.Text);
                tally.Reject(answer.RefusalReason, body.Lines);
                break;
            default:
                throw new InvalidOperationException($"{answer.Outcome} does not end a delivery");
        }
    }

    private async Task SendSmallerAsync(PushBody body, PushAnswer answer, Tally tally, CancellationToken stop)
    {
        DecodedPush push = DecodedPush.Read(body);
        if (push.HalveByBytes() is var (first, second))
        {
            Log.SentInHalves(_log, body.Tenant, body.Lines, body.DecompressedLength, answer.Status, answer.Text);
            await DecideAsync(first, tally, stop).ConfigureAwait(false);
            await DecideAsync(second, tally, stop).ConfigureAwait(false);
        }
        else if (push.CutLine(System.Text.Encoding.UTF8.GetBytes(CutMarker)) is { } shorter)
        {
            Log.LineCutForEndpoint(_log, body.Tenant, body.DecompressedLength, answer.Status, answer.Text);
            await DecideAsync(shorter, tally, stop).ConfigureAwait(false);
        }
        else
        {
            Log.StreamRefused(_log, body.Tenant, body.Lines, answer.Status, answer.Text);
            tally.Reject("too_large", body.Lines);
        }
    }

    private async Task<PushAnswer> SendUntilDecidedAsync(PushBody body, CancellationToken stop)
    {
        Attempts attempts = new(this, body);
        try
        {
            return await _untilDecided.ExecuteAsync(static (state, cancel) => state.NextAsync(cancel), attempts, stop).ConfigureAwait(false);
        }
        finally
        {
            attempts.Leave();
        }
    }

    /// <summary>The attempts of one push: what is said once, not at every repetition.</summary>
    private sealed class Attempts(Delivery delivery, PushBody body)
    {
        /// <summary>After so many 429s in a row a push is halved: one that is larger than the tenant's burst would never pass as it is.</summary>
        private const int RateLimitedBeforeHalving = 4;

        private readonly long _startedAt = delivery._time.GetTimestamp();
        private int _failures;
        private int _rateLimited;
        private bool _holding;
        private string? _lastStatus;

        public async ValueTask<PushAnswer> NextAsync(CancellationToken stop)
        {
            delivery._observer.Sent(body.Compressed.Length);
            if (_failures > 0 && _lastStatus is "timeout" or "connection") delivery._observer.Resent(body.Lines);
            PushAnswer answer = await delivery._client.PushAsync(body, stop).ConfigureAwait(false);
            _rateLimited = answer.Status == "429" ? _rateLimited + 1 : 0;
            if (_rateLimited >= RateLimitedBeforeHalving && body.Lines > 1) answer = answer with { Outcome = DeliveryOutcome.TooLarge };
            if (answer.Outcome is DeliveryOutcome.Retry or DeliveryOutcome.Hold) Failed(answer);
            else if (_failures > 0 && answer.Outcome != DeliveryOutcome.TooLarge) Recovered();
            return answer;
        }

        public void Leave() => Hold(false);

        private void Failed(PushAnswer answer)
        {
            _failures++;
            delivery._observer.Retried(answer.Status);
            Hold(answer.Outcome == DeliveryOutcome.Hold);
            if (_holding) Volatile.Write(ref delivery._heldReason, $"endpoint answers {answer.Status}: {answer.Text}");
            if (answer.Status == _lastStatus) return;
            _lastStatus = answer.Status;
            if (_holding) Log.Held(delivery._log, body.Tenant, answer.Status, answer.Text);
            else Log.Retrying(delivery._log, body.Tenant, answer.Status, answer.Text);
        }

        private void Recovered()
        {
            Hold(false);
            Log.Recovered(delivery._log, body.Tenant, _failures, (long)delivery._time.GetElapsedTime(_startedAt).TotalSeconds);
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

        public void Reject(IReadOnlyList<LokiRejection> rejections, int lines)
        {
            // Loki's text is not trusted to add up: no more lines are refused than were sent.
            long left = lines;
            foreach (LokiRejection rejection in rejections)
            {
                long entries = Math.Min(left, rejection.Entries);
                left -= entries;
                Reject(rejection.Reason, entries);
            }
        }

        public void Reject(string reason, long lines)
        {
            if (lines == 0) return;
            _rejected ??= [];
            _rejected[reason] = _rejected.GetValueOrDefault(reason) + lines;
        }

        public DeliveryResult Result(int lines)
        {
            long rejected = _rejected?.Values.Sum() ?? 0;
            return new DeliveryResult(lines - rejected, rejected, _rejected);
        }
    }
}
