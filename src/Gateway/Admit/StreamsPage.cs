// GET /debug/streams?tenant=: why a tenant has so many streams. Without a tenant: who has how many.
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.Gateway.Admit;

/// <summary>Any thread.</summary>
internal sealed class StreamsPage(Tenants tenants, TimeProvider time)
{
    public const string Path = "/debug/streams";

    /// <summary>Of the tenants, by streams.</summary>
    public const int TenantsListedMax = 100;

    private static readonly StreamsPageJson Json = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    });

    private readonly uint _startedMinute = tenants.Minute;

    public async Task WriteAsync(HttpContext context)
    {
        string? name = context.Request.Query["tenant"];
        byte[] body;
        if (string.IsNullOrEmpty(name))
        {
            body = JsonSerializer.SerializeToUtf8Bytes(All(), Json.TenantsDocument);
        }
        else if (tenants.TryGet(name) is { } tenant)
        {
            body = JsonSerializer.SerializeToUtf8Bytes(One(tenant), Json.StreamsDocument);
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            context.Response.ContentType = "text/plain; charset=utf-8";
            if (context.Request.Method != "HEAD")
                await context.Response.WriteAsync($"this tenant has pushed nothing for {StreamTable.ActiveMinutes} minutes; {Path} lists those that have\n", context.RequestAborted);
            return;
        }

        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = body.Length;
        if (context.Request.Method != "HEAD") await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private TenantsDocument All()
    {
        uint minute = tenants.Minute;
        TenantEntry[] all = [.. tenants.All.Select(tenant => new TenantEntry(tenant.Name, tenant.Streams.Sweep(minute), LimitOf(tenant)))];
        return new TenantsDocument(time.GetUtcNow().UtcDateTime, all.Length,
            [.. all.OrderByDescending(static one => one.ActiveStreams).ThenBy(static one => one.Tenant, StringComparer.Ordinal).Take(TenantsListedMax)]);
    }

    private StreamsDocument One(Tenant tenant)
    {
        uint minute = tenants.Minute;
        uint period = StreamTable.PeriodOf(minute);
        uint since = Math.Max(_startedMinute, period == 0 ? 0 : (period - 1) * StreamTable.ActiveMinutes);
        (IReadOnlyList<LabelCount> labels, bool isIncomplete) = tenant.Labels.Read(minute);
        DateTime now = time.GetUtcNow().UtcDateTime;
        return new StreamsDocument(now, tenant.Name, tenant.Streams.Sweep(minute), LimitOf(tenant), now.AddMinutes(-(minute - since)), isIncomplete,
            [.. labels.Select(static one => new LabelEntry(one.Name, one.Values, one.IsEstimated))]);
    }

    private static int? LimitOf(Tenant tenant) => tenant.StreamsMax == 0 ? null : tenant.StreamsMax;
}

internal sealed record TenantsDocument(DateTime At, int TenantsTotal, IReadOnlyList<TenantEntry> Tenants);

internal sealed record TenantEntry(string Tenant, int ActiveStreams, int? Limit);

internal sealed record StreamsDocument(DateTime At, string Tenant, int ActiveStreams, int? Limit, DateTime LabelsSince, bool LabelsIncomplete, IReadOnlyList<LabelEntry> Labels);

internal sealed record LabelEntry(string Name, long DistinctValues, bool Estimated);

[JsonSerializable(typeof(TenantsDocument))]
[JsonSerializable(typeof(StreamsDocument))]
internal sealed partial class StreamsPageJson : JsonSerializerContext;
