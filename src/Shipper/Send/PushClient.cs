// One attempt to push: request out, answer in, judged. No retry here, no state but the connections.
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using LokiGateway.Protocol.Completeness;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Send;

/// <summary>Sends pushes to the endpoint over pooled HTTP/1.1 connections. Thread-safe.</summary>
internal sealed partial class PushClient : IDisposable
{
    /// <summary>Enough for the ten errors that Loki lists at most; what is behind it is read and dropped.</summary>
    private const int AnswerBytesMax = 16 << 10;

    private static readonly MediaTypeHeaderValue Protobuf = new("application/x-protobuf");

    private static readonly ProductInfoHeaderValue Agent =
        new("loki-shipper", typeof(PushClient).Assembly.GetName().Version?.ToString(3) ?? "0");

    private readonly EndpointOptions _options;
    private readonly EndpointCredentials _credentials;
    private readonly TimeProvider _time;
    private readonly EndpointConnections _connections;
    private readonly EndpointClock? _clock;

    /// <summary><see cref="TlsException"/> says what is wrong with a file of endpoint.tls.</summary>
    public PushClient(EndpointOptions options, SendObserver observer, TimeProvider time, ILogger log, EndpointClock? clock = null)
    {
        _clock = clock;
        _options = options;
        _time = time;
        _credentials = new EndpointCredentials(options, observer, time, log);
        _connections = new EndpointConnections(options, observer, time, log);
    }

    /// <summary>
    /// Never throws but for <paramref name="stop"/>: a failure of the wire is an answer too. An answer counts only when it arrived whole.
    /// </summary>
    public async Task<PushAnswer> PushAsync(PushBody body, CancellationToken stop)
    {
        if (!_credentials.TryGet(out AuthenticationHeaderValue? authorization, out string? trouble))
            return new PushAnswer(DeliveryOutcome.Hold, "credentials", trouble ?? "no credentials");
        PushAnswer answer = await PushOnceAsync(body, authorization, stop).ConfigureAwait(false);
        // A secret that was rotated since the last look: the new one at once, and not after the pause for a push that somebody has to look after.
        if (answer.Status == "401" && _credentials.Renew(authorization) && _credentials.TryGet(out AuthenticationHeaderValue? renewed, out _))
            answer = await PushOnceAsync(body, renewed, stop).ConfigureAwait(false);
        return answer;
    }

    public void Dispose() => _connections.Dispose();

    private async Task<PushAnswer> PushOnceAsync(PushBody body, AuthenticationHeaderValue? authorization, CancellationToken stop)
    {
        EndpointConnections.Pool connections = _connections.Take();
        using CancellationTokenSource timeout = new(_options.RemoteTimeout, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        try
        {
            using HttpRequestMessage request = RequestFor(body, authorization);
            using HttpResponseMessage answer = await connections.Http.SendAsync(request, either.Token).ConfigureAwait(false);
            int status = (int)answer.StatusCode;
            if (_clock is not null && answer.Headers.Date is { } date) _clock.Heard(date);
            if (status == 204) return PushAnswer.Acknowledged;
            string text = await ReadTextAsync(answer.Content, either.Token).ConfigureAwait(false);
            return PushAnswer.Judge(status, text, RetryAfterOf(answer), _options.RetryOn429, RejectedStreamsOf(answer));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException)
        {
            return new PushAnswer(DeliveryOutcome.Retry, "timeout", $"no answer within {_options.RemoteTimeout.TotalSeconds:0.###} s (remote_timeout)");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or SocketException)
        {
            if (connections.Tls is { } tls && TlsFailure.TextOf(failure, tls) is { } refused)
                return new PushAnswer(DeliveryOutcome.Hold, "tls", refused);
            return new PushAnswer(DeliveryOutcome.Retry, "connection", Innermost(failure).Message);
        }
        finally
        {
            _connections.Return(connections);
        }
    }

    private HttpRequestMessage RequestFor(PushBody body, AuthenticationHeaderValue? authorization)
    {
        HttpRequestMessage request = new(HttpMethod.Post, _options.Url)
        {
            Content = new ReadOnlyMemoryContent(body.Compressed) { Headers = { ContentType = Protobuf } },
        };
        request.Headers.UserAgent.Add(Agent);
        request.Headers.Authorization = authorization;
        if (body.Tenant is { } tenant) request.Headers.TryAddWithoutValidation("X-Scope-OrgID", tenant);
        if (body.Stamp is { } stamp) request.Headers.TryAddWithoutValidation(BatchStamp.HeaderName, stamp);
        return request;
    }

    private static async Task<string> ReadTextAsync(HttpContent content, CancellationToken cancel)
    {
        await using Stream stream = await content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        byte[] text = new byte[AnswerBytesMax];
        int length = await stream.ReadAtLeastAsync(text, text.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
        // To the end, so that an answer that breaks off is known for what it is. A body without end runs into the timeout.
        byte[] rest = new byte[4096];
        while (length == text.Length && await stream.ReadAsync(rest, cancel).ConfigureAwait(false) > 0)
        {
        }
        return Encoding.UTF8.GetString(text, 0, length);
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage answer)
    {
        RetryConditionHeaderValue? header = answer.Headers.RetryAfter;
        TimeSpan? delay = header?.Delta ?? (header?.Date is { } date ? date - _time.GetUtcNow() : null);
        return delay > TimeSpan.Zero ? delay : null;
    }

    private static string? RejectedStreamsOf(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues(RejectedStreamsHeader.Name, out IEnumerable<string>? values) ? string.Join(',', values) : null;

    private static Exception Innermost(Exception failure)
    {
        while (failure.InnerException is { } inner) failure = inner;
        return failure;
    }
}
