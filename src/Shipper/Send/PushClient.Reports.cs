// Reports of the books go to the same door as the pushes, as the same client: same address, identity and connections.
using System.Net.Http.Headers;
using System.Net.Sockets;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Shipper.Send;

internal sealed partial class PushClient
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    /// <summary>One attempt. Never throws but for <paramref name="stop"/>.</summary>
    public async Task<ReportAnswer> PostReportAsync(string? tenant, ReadOnlyMemory<byte> json, CancellationToken stop)
    {
        if (!_credentials.TryGet(out AuthenticationHeaderValue? authorization, out string? trouble))
            return new ReportAnswer(ReportOutcome.Failed, "credentials", trouble ?? "no credentials");
        EndpointConnections.Pool connections = _connections.Take();
        using CancellationTokenSource timeout = new(_options.RemoteTimeout, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Post, new Uri(_options.Url, ShipperReport.Path))
            {
                Content = new ReadOnlyMemoryContent(json) { Headers = { ContentType = Json } },
            };
            request.Headers.UserAgent.Add(Agent);
            request.Headers.Authorization = authorization;
            if (tenant is not null) request.Headers.TryAddWithoutValidation("X-Scope-OrgID", tenant);
            using HttpResponseMessage answer = await connections.Http.SendAsync(request, either.Token).ConfigureAwait(false);
            string text = PushAnswer.FirstLine(await ReadTextAsync(answer.Content, either.Token).ConfigureAwait(false));
            int status = (int)answer.StatusCode;
            ReportOutcome outcome = status switch
            {
                // 260 is Loki's way to refuse with a success.
                >= 200 and < 300 and not 260 => ReportOutcome.Accepted,
                404 or 405 or 501 => ReportOutcome.Unsupported,
                _ => ReportOutcome.Failed,
            };
            return new ReportAnswer(outcome, status.ToString(), text);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException)
        {
            return new ReportAnswer(ReportOutcome.Failed, "timeout", $"no answer within {_options.RemoteTimeout.TotalSeconds:0.###} s (remote_timeout)");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or SocketException)
        {
            return new ReportAnswer(ReportOutcome.Failed, "connection", Innermost(failure).Message);
        }
        finally
        {
            _connections.Return(connections);
        }
    }
}
