// Whether a push may pass, asked in Loki's order: labels, blocked, rate, streams. What is refused early must not be charged for what comes later.
using System.Buffers;
using System.Text;
using LokiGateway.Gateway.Account;
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
    /// of so many are 1 MiB, and another for those of them that are new.
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
        if (summary.Streams > StreamsPerPushMax)
            return new Verdict(new Refusal(RefusalKind.TooLarge, $"gateway: a push may hold at most {StreamsPerPushMax} streams, this one holds {summary.Streams}"));
        ulong[] rented = ArrayPool<ulong>.Shared.Rent(2 * summary.Streams);
        try
        {
            Span<ulong> hashes = rented.AsSpan(0, summary.Streams);
            if (!StreamHashes.TryRead(push, summary, hashes, out string? error)) return new Verdict(new Refusal(RefusalKind.BadRequest, error));
            if (AdmitBytes(tenant, summary) is { } refusal) return new Verdict(refusal);
            uint minute = tenants.Minute;
            Span<ulong> fresh = rented.AsSpan(summary.Streams, summary.Streams);
            int refused = tenant.Streams.Admit(hashes, minute, tenant.StreamsMax, fresh, out int freshCount);
            if (freshCount + refused > 0) tenant.Labels.Note(push, hashes, fresh[..freshCount], minute);
            if (refused == 0) return new Verdict(null, summary);
            return shadow.Covers(tenant.Name) ? LetPass(tenant, push, hashes, summary) : TakeOut(tenant, push, json, hashes, refused, summary);
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(rented);
        }
    }

    /// <summary>The limits that need totals only. Counts the push as received.</summary>
    public Refusal? AdmitBytes(Tenant tenant, in PushSummary summary)
    {
        long bytes = BytesOf(summary);
        tenant.Metrics.Received(summary.Entries, bytes);
        // A push without entries makes nothing in Loki and is refused by no limit there.
        if (bytes == 0 && summary.Entries == 0) return null;
        DateTimeOffset now = time.GetUtcNow();
        // OTLP records without a time have none to be late by.
        if (summary.NewestUnixNanos > 0) tenant.Metrics.Lag((now - DateTimeOffset.UnixEpoch).TotalSeconds - summary.NewestUnixNanos / 1e9);
        TenantLimits limits = tenant.Limits;
        if (limits.BlockIngestionUntil is { } until && now < until)
        {
            if (shadow.Covers(tenant.Name)) return LetPass(tenant, DiscardReasons.BlockedIngestion, summary, bytes);
            tenant.Metrics.Discarded(DiscardReasons.BlockedIngestion, summary.Entries, bytes);
            return new Refusal(RefusalKind.Blocked, LokiTexts.Blocked(tenant.Name, until, limits.BlockIngestionStatusCode)) { BlockedStatus = limits.BlockIngestionStatusCode };
        }

        if (tenant.Bytes.TryTake(bytes, out TimeSpan? retryAfter)) return null;
        if (shadow.Covers(tenant.Name)) return LetPass(tenant, DiscardReasons.RateLimited, summary, bytes);
        tenant.Metrics.Discarded(DiscardReasons.RateLimited, summary.Entries, bytes);
        var refusal = new Refusal(RefusalKind.RateLimited, LokiTexts.RateLimited(tenant.Name, tenant.BytesPerSecond, summary.Entries, bytes)) { RetryAfter = retryAfter };
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

    private static Refusal? LetPass(Tenant tenant, string reason, in PushSummary summary, long bytes)
    {
        tenant.Metrics.ShadowDiscarded(reason, summary.Entries, bytes);
        return null;
    }

    private static Verdict LetPass(Tenant tenant, ReadOnlySpan<byte> push, ReadOnlySpan<ulong> hashes, in PushSummary summary)
    {
        (int entries, long lineBytes) = RefusedStreams.Count(push, hashes);
        tenant.Metrics.ShadowDiscarded(DiscardReasons.StreamLimit, entries, lineBytes);
        return new Verdict(null, summary);
    }

    private Verdict TakeOut(Tenant tenant, ReadOnlySpan<byte> push, ReadOnlySpan<byte> json, ReadOnlySpan<ulong> hashes, int refused, in PushSummary summary)
    {
        Log.StreamsRefused(log, tenant.Name, refused, tenant.StreamsMax);
        RefusedStreams? partial = RefusedStreams.Split(push, json, hashes, memory);
        if (partial is null) return new Verdict(Overload.Refusal);
        tenant.Metrics.Discarded(DiscardReasons.StreamLimit, partial.Entries, partial.LineBytes);
        return new Verdict(null, summary, partial);
    }
}
