// One line per request, by option: who asked for what, how it ended and how long it took. The other messages of the gateway are held back when they repeat; these are
// not, since each is another request.
using System.Net;
using LokiGateway.Gateway.Receive;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway;

/// <summary>What the stages learn of a request on its way. A feature of the request, there only while the access log is on.</summary>
internal sealed class AccessRecord
{
    public Route Route { get; set; } = Route.Unknown;

    public string? Tenant { get; set; }

    /// <summary>Null: the response's.</summary>
    public int? Status { get; set; }

    /// <summary>Of the body as it came; for gRPC as it was packed for Loki.</summary>
    public long? Bytes { get; set; }

    public int? Lines { get; set; }
}

/// <summary>Writes the lines. Thread-safe.</summary>
internal sealed class AccessLog(TimeProvider time, ILogger log)
{
    /// <summary>Longer paths are cut: nobody's route is so long.</summary>
    private const int PathLengthMax = 200;

    /// <summary>The record of a request; null while the access log is off.</summary>
    public static AccessRecord? Of(HttpContext http) => http.Features.Get<AccessRecord>();

    /// <summary>Answers a request by <paramref name="answer"/> and writes its line, whatever came of it.</summary>
    public async Task RunAsync<TState>(HttpContext http, TState state, Func<TState, HttpContext, Task> answer)
    {
        long startedAt = time.GetTimestamp();
        var record = new AccessRecord();
        http.Features.Set(record);
        // Before the answer: they may be gone with the connection.
        string method = http.Request.Method;
        string path = http.Request.Path.Value ?? "";
        IPAddress? peer = http.Connection.RemoteIpAddress;
        string traceId = TraceContext.Of(http.Request.Headers).TraceId ?? "";
        long bytes = http.Request.ContentLength ?? 0;
        try
        {
            await answer(state, http);
        }
        finally
        {
            Log.Access(log, Routes.NameOf(record.Route), method, path.Length <= PathLengthMax ? path : path[..PathLengthMax], record.Tenant ?? "",
                record.Status ?? http.Response.StatusCode, record.Bytes ?? bytes, record.Lines, time.GetElapsedTime(startedAt), peer, traceId);
        }
    }
}
