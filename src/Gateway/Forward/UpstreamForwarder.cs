// Sends pushes to Loki's distributors: the very bytes that came in, over connections that stay open, and never again once some of them may have been taken.
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using LokiGateway.Gateway.Receive;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.CircuitBreaker;

namespace LokiGateway.Gateway.Forward;

/// <summary>
/// The door to Loki. Thread-safe. Never throws for anything that Loki or the network does. A push is sent a second time only when nothing of it can have been stored:
/// no connection could be made, or Loki answered 503. The circuit breaker judges what came of a push in the end: one dead distributor of several is no outage.
/// </summary>
internal sealed class UpstreamForwarder : IAsyncDisposable
{
    /// <summary>Longer answers are cut. Loki's longest name a stream, and its labels are bounded at 15 x (1024 + 2048) by default.</summary>
    private const int AnswerBytesMax = 256 * 1024;

    /// <summary>Two pods may be gone at the same time, in a rollout; more is an outage, and the agent waits better than the gateway.</summary>
    private const int TriesMax = 3;

    private readonly UpstreamOptions _options;
    private readonly GatewayMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly UpstreamAddresses _addresses;
    private readonly NameLookup _lookup;
    private readonly ResiliencePipeline<UpstreamAnswer> _breaker;
    private readonly Dictionary<string, Uri> _urls;
    private int _inFlight;

    /// <exception cref="Hosting.Configuration.ConfigurationException">upstream.ca_file cannot be used.</exception>
    public UpstreamForwarder(UpstreamOptions options, GatewayMetrics metrics, TimeProvider time, ILogger log)
    {
        (_options, _metrics, _time, _log) = (options, metrics, time, log);
        string prefix = options.PushUrl.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _urls = new[] { Routes.Push, Routes.LegacyPush, Routes.OtlpLogs }.ToDictionary(static path => path, path => new Uri(prefix + path), StringComparer.Ordinal);
        _breaker = NewBreaker(time);
        _addresses = new UpstreamAddresses(new UpstreamConnections(options, AnswerBytesMax).To, time);
        _lookup = new NameLookup(options.PushUrl, options.DnsRefresh, options.Resolve, _addresses.Change, metrics, time, log);
    }

    /// <summary>Pushes at Loki at this moment.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Sets the gauges that are read from state.</summary>
    public void Publish() => _metrics.PublishAddresses(AddressCount, EjectedCount);

    /// <summary>Addresses behind the name; 0: it never resolved.</summary>
    public int AddressCount => _addresses.Count;

    /// <summary>Those of them that get no pushes now.</summary>
    public int EjectedCount => _addresses.EjectedCount;

    public async ValueTask<UpstreamAnswer> SendAsync(UpstreamPush push)
    {
        if (Interlocked.Increment(ref _inFlight) > _options.MaxInFlight)
        {
            Interlocked.Decrement(ref _inFlight);
            return new UpstreamAnswer(UpstreamResult.TooManyInFlight);
        }

        long startedAt = _time.GetTimestamp();
        ResilienceContext context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false);
        try
        {
            Outcome<UpstreamAnswer> outcome = await _breaker.ExecuteOutcomeAsync(
                static async (_, call) => Outcome.FromResult(await call.Forwarder.SendToSomeAsync(call.Push)), context, (Forwarder: this, Push: push));
            UpstreamAnswer answer = outcome.Exception is BrokenCircuitException open
                ? new UpstreamAnswer(UpstreamResult.BreakerOpen) { Wait = open.RetryAfter }
                : outcome.Result;
            _metrics.ObserveUpstream(answer, _time.GetElapsedTime(startedAt));
            return answer;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
            Interlocked.Decrement(ref _inFlight);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _lookup.DisposeAsync();
        _addresses.Dispose();
    }

    private ResiliencePipeline<UpstreamAnswer> NewBreaker(TimeProvider time) =>
        new ResiliencePipelineBuilder<UpstreamAnswer> { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<UpstreamAnswer>
            {
                ShouldHandle = static args => ValueTask.FromResult(args.Outcome.Exception is null && args.Outcome.Result.IsOutage),
                // Half of the pushes of ten seconds, and at least eight of them.
                FailureRatio = 0.5,
                MinimumThroughput = 8,
                SamplingDuration = TimeSpan.FromSeconds(10),
                // Then one probe at a time. Agents wait 0.1 to 300 s between two tries, so two seconds cost them nothing.
                BreakDuration = TimeSpan.FromSeconds(2),
                OnOpened = args =>
                {
                    _metrics.SetBreakerOpen(true);
                    Log.BreakerOpened(_log, args.BreakDuration.TotalSeconds, args.Outcome.Result.Status, args.Outcome.Result.Detail ?? "");
                    return ValueTask.CompletedTask;
                },
                OnClosed = _ =>
                {
                    _metrics.SetBreakerOpen(false);
                    Log.BreakerClosed(_log);
                    return ValueTask.CompletedTask;
                },
            })
            .Build();

    /// <summary>One push, all its tries within one deadline.</summary>
    private async Task<UpstreamAnswer> SendToSomeAsync(UpstreamPush push)
    {
        if (!_lookup.First.IsCompleted) await WaitForFirstLookupAsync();
        // Not tied to the agent's connection: a push that is on its way is finished, so that what Loki stored is also counted.
        using var deadline = new CancellationTokenSource(_options.Timeout, _time);
        var answer = new UpstreamAnswer(UpstreamResult.Unreachable) { Detail = "the host of upstream.push_url has no addresses" };
        UpstreamAddress? failed = null;
        for (int tries = 1; tries <= TriesMax; tries++)
        {
            AddressLease? next = _addresses.Take(failed);
            // Behind one address may be a load balancer with several pods: once more, where nothing was sent.
            if (next is null && tries == 2 && answer.Result == UpstreamResult.Unreachable) next = _addresses.Take();
            if (next is not { } lease) break;
            if (tries > 1) _metrics.CountRetry(answer.Result == UpstreamResult.Unreachable);
            UpstreamAnswer before = answer;
            answer = await SendOnceAsync(push, lease.Address, deadline);
            GiveBack(lease, answer);
            if (before.Result == UpstreamResult.Answered)
            {
                // The second try after a 503 was the only one. Without a connection there is nothing to say that Loki has not said better.
                if (answer.Result == UpstreamResult.Unreachable) answer = before;
                break;
            }

            if (answer.Result != UpstreamResult.Unreachable && !answer.IsRefusedWhole) break;
            failed = lease.Address;
        }

        if (answer.Result != UpstreamResult.Answered) Log.UpstreamFailed(_log, answer.Result, answer.Detail ?? "");
        if (answer.Result == UpstreamResult.Unreachable) _lookup.Hurry();
        return answer;
    }

    /// <summary>A push that comes in the first moment of the gateway.</summary>
    private async Task WaitForFirstLookupAsync()
    {
        try
        {
            await _lookup.First.WaitAsync(_options.Timeout, _time);
        }
        catch (TimeoutException)
        {
            // Then there is no address.
        }
    }

    private void GiveBack(in AddressLease lease, in UpstreamAnswer answer)
    {
        AddressOutcome outcome = answer.Result == UpstreamResult.Unreachable ? AddressOutcome.NoConnection
            : answer.IsOutage ? AddressOutcome.Failing
            : AddressOutcome.Answered;
        switch (_addresses.Return(lease, outcome, out TimeSpan ejectedFor))
        {
            case AddressChange.Ejected:
                _metrics.CountEjection();
                Log.AddressEjected(_log, lease.Address.Ip, ejectedFor.TotalSeconds, answer.Result, answer.Status, answer.Detail ?? "");
                // It may be a pod that has moved.
                _lookup.Hurry();
                break;
            case AddressChange.Restored:
                Log.AddressRestored(_log, lease.Address.Ip);
                break;
        }
    }

    private async Task<UpstreamAnswer> SendOnceAsync(UpstreamPush push, UpstreamAddress address, CancellationTokenSource deadline)
    {
        using HttpRequestMessage request = NewRequest(push);
        try
        {
            using HttpResponseMessage response = await address.Http.SendAsync(request, deadline.Token);
            return await ReadAnswerAsync(response, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return Failed(UpstreamResult.TimedOut, $"no answer within {_options.Timeout.TotalSeconds:0.###} s");
        }
        catch (HttpRequestException failure) when (IsBeforeFirstByte(failure))
        {
            return Failed(UpstreamResult.Unreachable, Innermost(failure));
        }
        catch (Exception failure) when (failure is OperationCanceledException or SocketException)
        {
            // The handler's own ConnectTimeout; a peer that is gone right after it has accepted, which the handler does not wrap.
            return Failed(UpstreamResult.Unreachable, failure.Message);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            return Failed(UpstreamResult.Broken, Innermost(failure));
        }
    }

    private static UpstreamAnswer Failed(UpstreamResult result, string detail) => new(result) { Detail = detail };

    /// <summary>"The SSL connection could not be established, see inner exception" helps nobody.</summary>
    private static string Innermost(Exception failure) => failure.GetBaseException() is { } cause && cause != failure ? $"{failure.Message}: {cause.Message}" : failure.Message;

    private static bool IsBeforeFirstByte(HttpRequestException failure) =>
        failure.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError;

    private HttpRequestMessage NewRequest(in UpstreamPush push)
    {
        var content = new ReadOnlyMemoryContent(push.Body);
        content.Headers.TryAddWithoutValidation("Content-Type", push.ContentType);
        if (push.ContentEncoding is { Length: > 0 } encoding) content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        var request = new HttpRequestMessage(HttpMethod.Post, _urls[push.Path])
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        // The only tenant header there is: nothing else of the agent's own headers is copied, its credentials least of all.
        request.Headers.TryAddWithoutValidation("X-Scope-OrgID", push.Tenant.Value);
        if (push.UserAgent is not null) request.Headers.TryAddWithoutValidation("User-Agent", push.UserAgent);
        if (push.Trace.TraceParent is { } parent) request.Headers.TryAddWithoutValidation(TraceContext.TraceParentName, parent);
        if (push.Trace.TraceState is { } state) request.Headers.TryAddWithoutValidation(TraceContext.TraceStateName, state);
        if (push.Trace.UberTraceId is { } uber) request.Headers.TryAddWithoutValidation(TraceContext.UberTraceIdName, uber);
        return request;
    }

    private static async ValueTask<UpstreamAnswer> ReadAnswerAsync(HttpResponseMessage response, CancellationToken timeout)
    {
        long? declared = response.Content.Headers.ContentLength;
        var answer = new UpstreamAnswer(UpstreamResult.Answered)
        {
            Status = (int)response.StatusCode,
            ContentType = First(response.Content.Headers, "Content-Type"),
            RetryAfter = First(response.Headers, "Retry-After"),
        };
        if (response.StatusCode == HttpStatusCode.NoContent || declared == 0) return answer;
        await using Stream stream = await response.Content.ReadAsStreamAsync(timeout);
        var body = new byte[Math.Min(declared ?? 4096, AnswerBytesMax)];
        int length = 0;
        while (true)
        {
            int read = await stream.ReadAsync(body.AsMemory(length), timeout);
            length += read;
            if (read == 0 || length == AnswerBytesMax || length == declared) break;
            if (length == body.Length) Array.Resize(ref body, Math.Min(2 * length, AnswerBytesMax));
        }

        return answer with { Body = length == body.Length ? body : body[..length] };
    }

    private static string? First(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out HeaderStringValues values) ? values.ToString() : null;
}
