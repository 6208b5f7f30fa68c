// A push from the first header to the answer, and a query: the story of the gateway, top to bottom. Each step is a module of its own that knows nothing of the
// ones after it; this file alone knows them all.
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Gateway.Completeness;
using LokiGateway.Gateway.Forward;
using LokiGateway.Gateway.Inspect;
using LokiGateway.Gateway.Query;
using LokiGateway.Gateway.Receive;
using LokiGateway.Gateway.Reply;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Tenancy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway;

/// <summary>
/// <para>1. Receive: route, method, content type and encoding, bounds; the body into one buffer.</para>
/// <para>2. Authenticate: who it is, and exactly one tenant that it may write to.</para>
/// <para>3. Inspect: one pass over the decoded push: streams, lines, bytes, time range.</para>
/// <para>4. Admit: blocked, rate, active streams, in Loki's order.</para>
/// <para>5. Forward: the original bytes, or what is left when streams were taken out.</para>
/// <para>6. Account: what was received, discarded, acknowledged; and, from the reports of shippers, what is missing.</para>
/// <para>7. Reply: Loki's answer, or the reason why there is none.</para>
/// </summary>
internal sealed class GatewayPipeline(
    Authentication authentication, BodyMemory memory, RequestBounds bounds, PushDecoder decoder, Tenants tenants, Admission admission, UpstreamForwarder upstream,
    OtlpReply otlpReply, QueryProxy queries, CompletenessBook completeness, CompletenessMetrics completenessMetrics, GatewayMetrics metrics, TimeProvider time, ILogger log)
{
    private volatile bool _isDraining;

    /// <summary>From now on /ready says no, so that the balancer in front stops sending before the listener closes.</summary>
    public void BeginDrain() => _isDraining = true;

    public bool IsDraining => _isDraining;

    /// <summary>Answers one request. Never throws for what a client or Loki does.</summary>
    public async Task HandleAsync(HttpContext http)
    {
        long startedAt = time.GetTimestamp();
        Route route = Routes.Of(http.Request.Path.Value);
        int status;
        try
        {
            status = route switch
            {
                Route.Push or Route.LegacyPush => await ReplyWriter.PushedAsync(http, await PushAsync(http, route)),
                Route.OtlpLogs => await otlpReply.PushedAsync(http, await PushAsync(http, route)),
                Route.Query or Route.Tail => await QueryAsync(http, route),
                Route.Ready => await ReadyAsync(http),
                Route.Report => await ReportAsync(http),
                _ => await ReplyWriter.RefuseAsync(http, new Refusal(RefusalKind.UnknownRoute, LokiTexts.NotFound)),
            };
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException && http.RequestAborted.IsCancellationRequested)
        {
            status = StatusCodes.Status499ClientClosedRequest;
        }
        catch (Exception bug)
        {
            Log.RequestFailed(log, Routes.NameOf(route), bug);
            if (http.Response.HasStarted) throw;
            status = await ReplyWriter.RefuseAsync(http, new Refusal(RefusalKind.Bug, "gateway: internal error, see its log"));
        }

        metrics.ObserveRequest(route, status, time.GetElapsedTime(startedAt));
        if (AccessLog.Of(http) is { } record) (record.Route, record.Status) = (route, status);
    }

    private async Task<PushOutcome> PushAsync(HttpContext http, Route route)
    {
        // 1. Receive: what the headers alone decide.
        HttpRequest request = http.Request;
        if (!HttpMethods.IsPost(request.Method)) return new PushOutcome(new Refusal(RefusalKind.WrongMethod, "POST"));

        // 2. Authenticate: before a byte of the body is read.
        (Refusal? stranger, Identity identity) = await authentication.ForPushAsync(http);
        if (stranger is not null) return new PushOutcome(stranger);
        AccessRecord? record = AccessLog.Of(http);
        if (record is not null) record.Tenant = identity.Tenants;
        if (tenants.Find(identity.Tenant.Value) is not { } tenant) return new PushOutcome(TooManyTenants());

        // 1. Receive, second half: the body, bounded.
        string? contentType = request.Headers.ContentType;
        string? contentEncoding = request.Headers.ContentEncoding is [var encoding, ..] ? encoding : null;
        if (!PushFormat.TryParse(route, contentType, contentEncoding, out PushFormat format, out string formatError))
            return new PushOutcome(new Refusal(RefusalKind.BadRequest, formatError));
        (Refusal? unread, PooledBytes? received) = await ReadBodyAsync(http, bounds.BodyBytesMax);
        if (unread is not null) return new PushOutcome(unread);
        using PooledBytes body = received!;
        if (record is not null) record.Bytes = body.Length;
        var push = new ReceivedPush(identity.Tenant, body, format, Routes.PathOf(route), format.ContentType(contentType), PushFormat.OrNull(contentEncoding));
        return await TakeAsync(tenant, push, http);
    }

    /// <summary>A push that came by gRPC, authenticated already, its message in a snappy block: from here on the same.</summary>
    public async Task<PushOutcome> PushAsync(TenantId tenantId, HttpContext http, PooledBytes block)
    {
        long startedAt = time.GetTimestamp();
        var push = new ReceivedPush(tenantId, block, PushFormat.Snappy, Routes.Push, MediaType.Protobuf, null);
        PushOutcome outcome = tenants.Find(tenantId.Value) is { } tenant ? await TakeAsync(tenant, push, http) : new PushOutcome(TooManyTenants());
        metrics.ObserveRequest(Route.GrpcPush, ReplyWriter.StatusOf(outcome), time.GetElapsedTime(startedAt));
        if (AccessLog.Of(http) is { } record) (record.Tenant, record.Bytes, record.Status) = (tenantId.Value, block.Length, ReplyWriter.StatusOf(outcome));
        return outcome;
    }

    /// <summary>3. to 6.: what a push holds, whether it may pass, what Loki says, and the books.</summary>
    private async Task<PushOutcome> TakeAsync(Tenant tenant, ReceivedPush push, HttpContext http)
    {
        IHeaderDictionary headers = http.Request.Headers;
        // 3. Inspect and 4. Admit: on this thread from end to end, so that the decoded bytes are given back while still in its cache; unless the fleet must be asked.
        BatchStamp? stamp = ReadStamp(headers);
        if (stamp is { } claimed && !completeness.Arrived(push.Tenant, claimed)) metrics.CountBadStamp("acked_differ");
        Verdict verdict = await InspectAndAdmitAsync(tenant, push.Body, push.Format, stamp);
        using RefusedStreams? partial = verdict.Partial;
        if (AccessLog.Of(http) is { } record) record.Lines = verdict.Summary.Entries;
        if (verdict.Refusal is not null) return new PushOutcome(verdict.Refusal) { Lines = verdict.Summary.Entries };

        // 5. Forward.
        string? agent = PushFormat.OrNull(headers.UserAgent);
        TraceContext trace = TraceContext.Of(headers);
        UpstreamAnswer answer;
        if (partial is null)
            answer = await upstream.SendAsync(new UpstreamPush(push.Path, push.Tenant, push.Body.Memory, push.ContentType, push.ContentEncoding, agent, trace));
        else if (partial.Rest is not null)
        {
            string contentType = partial.IsRestJson || push.Format.IsOtlp ? push.ContentType : MediaType.Protobuf;
            answer = await upstream.SendAsync(new UpstreamPush(push.Path, push.Tenant, partial.Rest.Memory, contentType, null, agent, trace));
        }
        else answer = UpstreamAnswer.NothingToSend;

        // 6. Account.
        int lines = verdict.Summary.Entries - (partial?.Entries ?? 0);
        int acked = answer.AckedOf(lines);
        tenant.Metrics.Acked(acked);
        if (acked < lines) tenant.Metrics.Unacked(GatewayMetrics.StatusOf(answer), lines - acked);
        // Of a push that is refused in part Loki has the rest.
        bool isRefusedInPart = answer.Result == UpstreamResult.Answered && answer.Status == StatusCodes.Status400BadRequest;
        if (stamp is { } stamped && (answer.IsStored || isRefusedInPart)) completeness.Answered(push.Tenant, stamped, lines);

        // 7. Reply. Streams over the limit are told after Loki has the others; its own outage goes first, because then the others must come again too.
        if (partial is null || (!answer.IsStored && !isRefusedInPart)) return new PushOutcome(null, answer) { Lines = lines };
        return new PushOutcome(Admission.StreamLimit(tenant, partial, isRefusedInPart ? answer.Body : null), answer, partial.HeaderValue)
        {
            Lines = lines,
            RefusedLines = partial.Entries + lines - acked,
        };
    }

    /// <summary>A shipper's books: believed no further than the tenant that it may push for.</summary>
    private async Task<int> ReportAsync(HttpContext http)
    {
        if (!HttpMethods.IsPost(http.Request.Method)) return await ReplyWriter.RefuseAsync(http, new Refusal(RefusalKind.WrongMethod, "POST"));
        (Refusal? stranger, Identity identity) = await authentication.ForPushAsync(http);
        if (stranger is not null) return await ReplyWriter.RefuseAsync(http, stranger);
        if (AccessLog.Of(http) is { } record) record.Tenant = identity.Tenants;
        (Refusal? unread, PooledBytes? received) = await ReadBodyAsync(http, ShipperReport.BodyBytesMax);
        if (unread is not null) return await ReplyWriter.RefuseAsync(http, unread);
        using PooledBytes body = received!;
        if (!ShipperReport.TryParse(body.Span, out ShipperReport? report, out string? error))
        {
            completenessMetrics.Reported(null);
            return await ReplyWriter.RefuseAsync(http, new Refusal(RefusalKind.BadRequest, $"gateway: report: {error}"));
        }

        ReportOutcome outcome = completeness.Take(identity.Tenant, report);
        completenessMetrics.Reported(outcome);
        if (outcome == ReportOutcome.NoRoom)
            return await ReplyWriter.RefuseAsync(http, new Refusal(RefusalKind.RateLimited, $"gateway: more than {CompletenessBook.NodesMax} shippers report, try again later"));
        // One that is out of date was overtaken: its sender need not know.
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        return StatusCodes.Status204NoContent;
    }

    private async Task<int> QueryAsync(HttpContext http, Route route)
    {
        if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsPost(http.Request.Method))
            return await ReplyWriter.RefuseAsync(http, new Refusal(RefusalKind.WrongMethod, "GET, POST"));
        // A tail follows one tenant, as in Loki.
        (Refusal? stranger, Identity identity) = await authentication.ForReadAsync(http, several: route == Route.Query);
        if (stranger is not null) return await ReplyWriter.RefuseAsync(http, stranger);
        if (AccessLog.Of(http) is { } record) record.Tenant = identity.Tenants;
        if (!queries.IsConfigured) return await ReplyWriter.RefuseAsync(http, new Refusal(RefusalKind.UnknownRoute, LokiTexts.NotFound));
        return await queries.ForwardAsync(http, identity.Tenants) is { } failure ? await ReplyWriter.RefuseAsync(http, failure) : http.Response.StatusCode;
    }

    private async Task<int> ReadyAsync(HttpContext http)
    {
        if (_isDraining) return await ReplyWriter.RefuseAsync(http, new Refusal(RefusalKind.Draining, "draining"));
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync("ready\n", http.RequestAborted);
        return StatusCodes.Status200OK;
    }

    private async ValueTask<(Refusal? Refusal, PooledBytes? Body)> ReadBodyAsync(HttpContext http, int bytesMax)
    {
        try
        {
            (BodyError error, PooledBytes? body, long bytes) = await BodyReader.ReadAsync(
                http.Request.BodyReader, http.Request.ContentLength, bytesMax, memory, http.RequestAborted);
            if (error == BodyError.None) return (null, body);
            // The rest of this body is not worth reading.
            http.Response.Headers.Connection = "close";
            return (error == BodyError.Overloaded ? Overload.Refusal : new Refusal(RefusalKind.TooLarge, LokiTexts.BodyTooLarge(bytes, bytesMax)), null);
        }
        catch (BadHttpRequestException tooSlow) when (tooSlow.StatusCode == StatusCodes.Status408RequestTimeout)
        {
            // No answer: agents throw a batch away on 408, and send it again when the connection breaks.
            http.Abort();
            return (new Refusal(RefusalKind.ClientGone, ""), null);
        }
        catch (BadHttpRequestException broken)
        {
            return (new Refusal(RefusalKind.BadRequest, broken.Message), null);
        }
    }

    private async ValueTask<Verdict> InspectAndAdmitAsync(Tenant tenant, PooledBytes body, PushFormat format, BatchStamp? stamp)
    {
        if (decoder.TryDecode(body, format, out PooledBytes? decoded, out PooledBytes? inflatedJson) is { } unreadable) return new Verdict(unreadable);
        using (inflatedJson)
        using (decoded)
        {
            ReadOnlyMemory<byte> push = (decoded ?? body).Memory;
            var summary = default(PushSummary);
            if (format.IsOtlp)
            {
                if (OtlpInspection.TryRead(push.Span, format, ref summary) is { } unreadableOtlp) return new Verdict(unreadableOtlp);
                CheckStamp(stamp, summary);
                return await admission.AdmitOtlpAsync(tenant, push, format.Encoding == PushEncoding.OtlpJson, summary);
            }

            PushError error = PushSummary.TryRead(push.Span, ref summary);
            if (error != PushError.None) return new Verdict(new Refusal(RefusalKind.BadRequest, PushErrors.Describe(push.Span)));
            CheckStamp(stamp, summary);
            ReadOnlyMemory<byte> json = format.Encoding == PushEncoding.Json ? (inflatedJson ?? body).Memory : default;
            return await admission.AdmitAsync(tenant, push, json, summary);
        }
    }

    private Refusal TooManyTenants()
    {
        Log.TooManyTenants(log, Tenants.TenantsMax);
        return new Refusal(RefusalKind.RateLimited, "gateway: too many tenants are active, try again later");
    }

    private void CheckStamp(BatchStamp? stamp, in PushSummary summary)
    {
        if (stamp is { } claimed && claimed.Lines != summary.Entries) metrics.CountBadStamp("lines_differ");
    }

    /// <summary>The shipper's claim about this batch. It goes no further than here: Loki knows nothing of it.</summary>
    private BatchStamp? ReadStamp(IHeaderDictionary headers)
    {
        if (!headers.TryGetValue(BatchStamp.HeaderName, out var header)) return null;
        if (header.Count == 1 && BatchStamp.TryParse(header[0], out BatchStamp stamp)) return stamp;
        metrics.CountBadStamp("unreadable");
        return null;
    }
}
