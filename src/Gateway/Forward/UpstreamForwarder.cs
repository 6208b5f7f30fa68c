// Sends pushes to Loki's distributors: the very bytes that came in, over connections that stay open, and never again once some of them may have been taken.
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using LokiGateway.Gateway.Receive;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace LokiGateway.Gateway.Forward;

/// <summary>
/// The door to Loki. Thread-safe. Never throws for anything that Loki or the network does. A push is sent a second time only when no connection could be
/// made, so that nothing of it can be stored twice by us.
/// </summary>
internal sealed class UpstreamForwarder : IDisposable
{
    /// <summary>Longer answers are cut. Loki's longest name a stream, and its labels are bounded at 15 x (1024 + 2048) by default.</summary>
    private const int AnswerBytesMax = 256 * 1024;

    private readonly UpstreamOptions _options;
    private readonly GatewayMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly HttpMessageInvoker _http;
    private readonly ResiliencePipeline<UpstreamAnswer> _resilience;
    private readonly Dictionary<string, Uri> _addresses;
    private int _inFlight;

    public UpstreamForwarder(UpstreamOptions options, GatewayMetrics metrics, TimeProvider time, ILogger log)
    {
        (_options, _metrics, _time, _log) = (options, metrics, time, log);
        string prefix = options.PushUrl.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _addresses = new[] { Routes.Push, Routes.LegacyPush, Routes.OtlpLogs }.ToDictionary(static path => path, path => new Uri(prefix + path), StringComparer.Ordinal);
        _http = new HttpMessageInvoker(NewHandler(options));
        _resilience = NewPipeline(time);
    }

    /// <summary>Pushes at Loki at this moment.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

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
            Outcome<UpstreamAnswer> outcome = await _resilience.ExecuteOutcomeAsync(
                static async (_, call) => Outcome.FromResult(await call.Forwarder.SendOnceAsync(call.Push)), context, (Forwarder: this, Push: push));
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

    public void Dispose() => _http.Dispose();

    private static SocketsHttpHandler NewHandler(UpstreamOptions options) => new()
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        UseProxy = false,
        ActivityHeadersPropagator = null,
        MaxConnectionsPerServer = options.MaxInFlight,
        ConnectTimeout = TimeSpan.FromSeconds(Math.Min(2, options.Timeout.TotalSeconds)),
        // Distributors come and go behind one DNS name: no connection is older than this, and a new one resolves the name again.
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        // Below Loki's server.http_server_idle_timeout (2 min), so that it is not Loki that closes a connection just as we write to it.
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        MaxResponseHeadersLength = 16,
        MaxResponseDrainSize = AnswerBytesMax,
    };

    private ResiliencePipeline<UpstreamAnswer> NewPipeline(TimeProvider time) =>
        new ResiliencePipelineBuilder<UpstreamAnswer> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<UpstreamAnswer>
            {
                // Another look at DNS, another pod. Anything else may have been taken already.
                ShouldHandle = static args => ValueTask.FromResult(args.Outcome.Exception is null && args.Outcome.Result.Result == UpstreamResult.Unreachable),
                MaxRetryAttempts = 1,
                Delay = TimeSpan.Zero,
            })
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<UpstreamAnswer>
            {
                ShouldHandle = static args => ValueTask.FromResult(args.Outcome.Exception is null && args.Outcome.Result.IsOutage),
                // Half of the pushes of ten seconds, and at least eight of them: one restarting pod of three does not open it.
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

    private async Task<UpstreamAnswer> SendOnceAsync(UpstreamPush push)
    {
        // Not tied to the agent's connection: a push that is on its way is finished, so that what Loki stored is also counted.
        using var timeout = new CancellationTokenSource(_options.Timeout, _time);
        using HttpRequestMessage request = NewRequest(push);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, timeout.Token);
            return await ReadAnswerAsync(response, timeout.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return Failed(UpstreamResult.TimedOut, $"no answer within {_options.Timeout.TotalSeconds:0.###} s");
        }
        catch (HttpRequestException failure) when (IsBeforeFirstByte(failure))
        {
            return Failed(UpstreamResult.Unreachable, failure.Message);
        }
        catch (Exception failure) when (failure is OperationCanceledException or SocketException)
        {
            // The handler's own ConnectTimeout; a peer that is gone right after it has accepted, which the handler does not wrap.
            return Failed(UpstreamResult.Unreachable, failure.Message);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            return Failed(UpstreamResult.Broken, failure.Message);
        }
    }

    private static bool IsBeforeFirstByte(HttpRequestException failure) =>
        failure.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError;

    private UpstreamAnswer Failed(UpstreamResult result, string detail)
    {
        Log.UpstreamFailed(_log, result, detail);
        return new UpstreamAnswer(result) { Detail = detail };
    }

    private HttpRequestMessage NewRequest(in UpstreamPush push)
    {
        var content = new ReadOnlyMemoryContent(push.Body);
        content.Headers.TryAddWithoutValidation("Content-Type", push.ContentType);
        if (push.ContentEncoding is { Length: > 0 } encoding) content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        var request = new HttpRequestMessage(HttpMethod.Post, _addresses[push.Path])
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        // The only tenant header there is: nothing else of the agent's own headers is copied, its credentials least of all.
        request.Headers.TryAddWithoutValidation("X-Scope-OrgID", push.Tenant.Value);
        if (push.UserAgent is not null) request.Headers.TryAddWithoutValidation("User-Agent", push.UserAgent);
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
