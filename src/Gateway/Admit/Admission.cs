// Whether a push may pass, asked in Loki's order: labels, blocked, rate, streams. What is refused early must not be charged for what comes later.
using System.Buffers;
using System.Text;
using LokiGateway.Gateway.Account;
using LokiGateway.Gateway.Admit.Redis;
using LokiGateway.Gateway.Receive;
using LokiGateway.Hosting.Limits;
using LokiGateway.Protocol.Push;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway.Admit;

/// <summary>Applies a tenant's limits to an inspected push. Thread-safe.</summary>
internal sealed class Admission(BodyMemory memory, Tenants tenants, ShadowMode shadow, ByteCounting counting, TimeProvider time, ILogger log)
{
    /// <summary>
    /// Loki has no such limit. A stream takes at least 4 bytes of a push, so 64 MiB could name 16 million; the default limit is 5,000 active ones. The hashes
    /// of so many are 1 MiB.
    /// </summary>
    internal const int StreamsPerPushMax = 128 * 1024;

    /// <summary>Bytes as the tenant's rate counts them.</summary>
    public long BytesOf(in PushSummary summary) => summary.LineBytes + (counting == ByteCounting.LinesAndMetadata ? summary.MetadataBytes : 0);

    /// <summary>Judges a push whose decoded bytes have been inspected, and counts what it refuses.</summary>
    /// <param name="tenant">Whose limits hold.</param>
    /// <param name="push">The PushRequest.</param>
    /// <param name="json">The text that it was made of; empty when it came as protobuf.</param>
    /// <param name="summary">Of the push.</param>
    public Verdict Admit(Tenant tenant, ReadOnlySpan<byte> push, ReadOnlySpan<byte> json, in PushSummary summary)
    {
        if (RefuseTooMany(summary) is { } tooMany) return new Verdict(tooMany);
        ulong[] rented = ArrayPool<ulong>.Shared.Rent(2 * summary.Streams);
        try
        {
            Span<ulong> hashes = rented.AsSpan(0, summary.Streams);
            if (!StreamHashes.TryRead(push, summary, hashes, out string? error)) return new Verdict(new Refusal(RefusalKind.BadRequest, error));
            if (AdmitBytes(tenant, summary) is { } refusal) return new Verdict(refusal);
            uint minute = tenants.Minute;
            Span<ulong> fresh = rented.AsSpan(summary.Streams, summary.Streams);
            int refused = tenant.Streams.Admit(hashes, minute, tenant.StreamsMax, fresh, out int freshCount);
            return Judged(tenant, push, json, hashes, fresh[..freshCount], refused, minute, summary);
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(rented);
        }
    }

    /// <summary>
    /// As <see cref="Admit"/>, by the limits of the fleet when there is a store for them. Far from them it completes at once, and near them when the store has
    /// answered; <paramref name="push"/> and <paramref name="json"/> must stay as they are until then.
    /// </summary>
    public ValueTask<Verdict> AdmitAsync(Tenant tenant, ReadOnlyMemory<byte> push, ReadOnlyMemory<byte> json, in PushSummary summary) =>
        tenant.Fleet is { } fleet ? AdmitInFleetAsync(tenant, fleet, push, json, summary) : new(Admit(tenant, push.Span, json.Span, summary));

    /// <summary>Judges an OTLP export, inflated: its resources are streams. By the limits of the fleet when there is a store for them.</summary>
    public async ValueTask<Verdict> AdmitOtlpAsync(Tenant tenant, ReadOnlyMemory<byte> export, bool isJson, PushSummary summary)
    {
        if (RefuseTooMany(summary) is { } tooMany) return new Verdict(tooMany);
        Refusal? refusal = tenant.Fleet is { } shared ? await AdmitBytesInFleetAsync(tenant, shared, summary) : AdmitBytes(tenant, summary);
        if (refusal is not null || tenant.Limits.MaxGlobalStreamsPerUser == 0) return new Verdict(refusal, summary);
        ulong[] rented = ArrayPool<ulong>.Shared.Rent(summary.Streams);
        try
        {
            Memory<ulong> hashes = rented.AsMemory(0, summary.Streams);
            // Resources that cannot be told apart are judged by Loki alone.
            if (!StreamHashes.TryReadOtlp(export.Span, isJson, hashes.Span)) return new Verdict(null, summary);
            int refused = tenant.Fleet is { } fleet
                ? await fleet.Streams.AdmitAsync(hashes, tenants.Minute)
                : tenant.Streams.Admit(hashes.Span, tenants.Minute, tenant.StreamsMax);
            if (refused == 0) return new Verdict(null, summary);
            if (shadow.Covers(tenant.Name))
            {
                (int entries, long lineBytes) = RefusedStreams.CountOtlp(export.Span, isJson, hashes.Span);
                tenant.Metrics.ShadowDiscarded(DiscardReasons.StreamLimit, entries, lineBytes);
                return new Verdict(null, summary);
            }

            return Refused(tenant, RefusedStreams.SplitOtlp(export.Span, isJson, hashes.Span, memory), refused, summary);
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(rented);
        }
    }

    /// <summary>The limits that need totals only. Counts the push as received.</summary>
    public Refusal? AdmitBytes(Tenant tenant, in PushSummary summary)
    {
        if (!CountReceived(tenant, summary, out long bytes)) return null;
        if (RefuseBlocked(tenant, summary, bytes) is { } blocked) return blocked;
        return tenant.Bytes.TryTake(bytes, out TimeSpan? retryAfter) ? null : OverRate(tenant, summary, bytes, retryAfter);
    }

    private async ValueTask<Verdict> AdmitInFleetAsync(Tenant tenant, FleetShare fleet, ReadOnlyMemory<byte> push, ReadOnlyMemory<byte> json, PushSummary summary)
    {
        if (RefuseTooMany(summary) is { } tooMany) return new Verdict(tooMany);
        ulong[] rented = ArrayPool<ulong>.Shared.Rent(2 * summary.Streams);
        try
        {
            Memory<ulong> hashes = rented.AsMemory(0, summary.Streams);
            if (!StreamHashes.TryRead(push.Span, summary, hashes.Span, out string? error)) return new Verdict(new Refusal(RefusalKind.BadRequest, error));
            if (await AdmitBytesInFleetAsync(tenant, fleet, summary) is { } refusal) return new Verdict(refusal);
            uint minute = tenants.Minute;
            int refused = await fleet.Streams.AdmitAsync(hashes, minute);
            Span<ulong> fresh = rented.AsSpan(summary.Streams, summary.Streams);
            int freshCount = tenant.Streams.CopyFresh(hashes.Span, minute, fresh);
            return Judged(tenant, push.Span, json.Span, hashes.Span, fresh[..freshCount], refused, minute, summary);
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(rented);
        }
    }

    private async ValueTask<Refusal?> AdmitBytesInFleetAsync(Tenant tenant, FleetShare fleet, PushSummary summary)
    {
        if (!CountReceived(tenant, summary, out long bytes)) return null;
        if (RefuseBlocked(tenant, summary, bytes) is { } blocked) return blocked;
        (bool admitted, TimeSpan? retryAfter) = await fleet.Bytes.TakeAsync(bytes);
        return admitted ? null : OverRate(tenant, summary, bytes, retryAfter);
    }

    /// <summary>False for a push without entries: it makes nothing in Loki and is refused by no limit there.</summary>
    private bool CountReceived(Tenant tenant, in PushSummary summary, out long bytes)
    {
        bytes = BytesOf(summary);
        tenant.Metrics.Received(summary.Entries, bytes);
        if (bytes == 0 && summary.Entries == 0) return false;
        // OTLP records without a time have none to be late by.
        if (summary.NewestUnixNanos > 0) tenant.Metrics.Lag((time.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds - summary.NewestUnixNanos / 1e9);
        return true;
    }

    private Refusal? RefuseBlocked(Tenant tenant, in PushSummary summary, long bytes)
    {
        TenantLimits limits = tenant.Limits;
        if (limits.BlockIngestionUntil is not { } until || time.GetUtcNow() >= until) return null;
        if (shadow.Covers(tenant.Name)) return LetPass(tenant, DiscardReasons.BlockedIngestion, summary, bytes);
        tenant.Metrics.Discarded(DiscardReasons.BlockedIngestion, summary.Entries, bytes);
        return new Refusal(RefusalKind.Blocked, LokiTexts.Blocked(tenant.Name, until, limits.BlockIngestionStatusCode)) { BlockedStatus = limits.BlockIngestionStatusCode };
    }

    private Refusal? OverRate(Tenant tenant, in PushSummary summary, long bytes, TimeSpan? retryAfter)
    {
        if (shadow.Covers(tenant.Name)) return LetPass(tenant, DiscardReasons.RateLimited, summary, bytes);
        tenant.Metrics.Discarded(DiscardReasons.RateLimited, summary.Entries, bytes);
        var refusal = new Refusal(RefusalKind.RateLimited, LokiTexts.RateLimited(tenant.Name, tenant.BytesPerSecond, summary.Entries, bytes))
        {
            RetryAfter = retryAfter,
            Hint = tenant.ShareHint,
        };
        if (bytes > tenant.BurstBytes)
        {
            Log.NeverFits(log, tenant.Name, bytes, tenant.BurstBytes);
            return refusal with { Hint = LokiTexts.NeverFits(bytes, tenant.BurstBytes) };
        }

        Log.RateLimited(log, tenant.Name, bytes, tenant.BytesPerSecond);
        return refusal;
    }

    /// <summary>What the agent is told about the streams that were taken out.</summary>
    /// <param name="tenant">Whose limit it is.</param>
    /// <param name="refused">The streams.</param>
    /// <param name="lokis">What Loki had against entries of the others, on lines of its own behind; null: nothing.</param>
    public static Refusal StreamLimit(Tenant tenant, RefusedStreams refused, ReadOnlySpan<byte> lokis)
    {
        string text = LokiTexts.StreamLimited(tenant.Name, LokiTexts.StreamWithServiceName(refused.Last, tenant.Limits));
        return new(RefusalKind.StreamLimited, lokis.IsEmpty ? text : $"{text}\n{Encoding.UTF8.GetString(lokis).TrimEnd()}");
    }

    private static Refusal? RefuseTooMany(in PushSummary summary) => summary.Streams <= StreamsPerPushMax
        ? null
        : new Refusal(RefusalKind.TooLarge, $"gateway: a push may hold at most {StreamsPerPushMax} streams, this one holds {summary.Streams}");

    private static Refusal? LetPass(Tenant tenant, string reason, in PushSummary summary, long bytes)
    {
        tenant.Metrics.ShadowDiscarded(reason, summary.Entries, bytes);
        return null;
    }

    /// <summary>After the streams have been judged: who makes new ones is noted, and those that may not be are taken out.</summary>
    private Verdict Judged(
        Tenant tenant, ReadOnlySpan<byte> push, ReadOnlySpan<byte> json, ReadOnlySpan<ulong> hashes, ReadOnlySpan<ulong> fresh, int refused, uint minute,
        in PushSummary summary)
    {
        if (fresh.Length + refused > 0) tenant.Labels.Note(push, hashes, fresh, minute);
        if (refused == 0) return new Verdict(null, summary);
        return shadow.Covers(tenant.Name) ? LetPass(tenant, push, hashes, summary) : TakeOut(tenant, push, json, hashes, refused, summary);
    }

    private static Verdict LetPass(Tenant tenant, ReadOnlySpan<byte> push, ReadOnlySpan<ulong> hashes, in PushSummary summary)
    {
        (int entries, long lineBytes) = RefusedStreams.Count(push, hashes);
        tenant.Metrics.ShadowDiscarded(DiscardReasons.StreamLimit, entries, lineBytes);
        return new Verdict(null, summary);
    }

    private Verdict TakeOut(Tenant tenant, ReadOnlySpan<byte> push, ReadOnlySpan<byte> json, ReadOnlySpan<ulong> hashes, int refused, in PushSummary summary)
    {
        return Refused(tenant, RefusedStreams.Split(push, json, hashes, memory), refused, summary);
    }

    private Verdict Refused(Tenant tenant, RefusedStreams? partial, int streams, in PushSummary summary)
    {
        Log.StreamsRefused(log, tenant.Name, streams, tenant.StreamsMax);
        if (partial is null) return new Verdict(Overload.Refusal);
        tenant.Metrics.Discarded(DiscardReasons.StreamLimit, partial.Entries, partial.LineBytes);
        return new Verdict(null, summary, partial);
    }
}
