// A push from the first header to the answer: decode, validate, limit, store. The 204 leaves only after the commit.

using System.Collections.Concurrent;
using LokiGateway.Hosting.Limits;
using LokiGateway.LocalLoki.Http;
using LokiGateway.LocalLoki.Store;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LokiGateway.LocalLoki.Push;

internal sealed class PushEndpoint(
    LocalLokiOptions options, LogStore store, RuntimeLimits limits, LocalLokiMetrics metrics, TimeProvider time, ILogger log)
    : IDisposable
{
    private const int BytesPerMb = 1024 * 1024;

    // Pushes decoded at one time: with the default bounds at most 16 × (16 + 64 + 64) MiB. The others wait with their bodies unread.
    private const int DecodedAtOnceMax = 16;

    private readonly SemaphoreSlim decoding = new(DecodedAtOnceMax);
    private readonly ConcurrentDictionary<string, TenantState> tenants = new(StringComparer.Ordinal);

    public async Task HandleAsync(HttpContext context, PushRoute route, string tenant)
    {
        PushVerdict verdict;
        await decoding.WaitAsync(context.RequestAborted);
        try
        {
            verdict = await PushAsync(context, route, tenant);
        }
        finally
        {
            decoding.Release();
        }
        if (verdict.Status == StatusCodes.Status204NoContent)
        {
            context.Response.StatusCode = verdict.Status;
            return;
        }
        Log.PushRefused(log, tenant, verdict.Status, verdict.Text.Length > 300 ? verdict.Text[..300] : verdict.Text);
        if (verdict.Status == StatusCodes.Status503ServiceUnavailable) context.Response.Headers.RetryAfter = "1";
        await PlainText.ErrorAsync(context, verdict.Status, verdict.Text);
    }

    public void Dispose() => decoding.Dispose();

    private async Task<PushVerdict> PushAsync(HttpContext context, PushRoute route, string tenant)
    {
        using BoundedBuffer request = new(options.DecodedBytesMax);
        if (await PushDecoder.DecodeAsync(context.Request, route, options, time, request, context.RequestAborted) is { } undecodable) return undecodable;

        PushBatch batch = new(tenant, request.Written);
        TenantLimits tenantLimits = limits.For(tenant);
        PushValidator validator = new(tenant, tenantLimits, metrics, time.GetUtcNow());
        if (validator.Fill(batch) is { } malformed) return malformed;
        PushVerdict outcome = validator.ErrorText is { } invalid ? PushVerdict.BadRequest(invalid) : PushVerdict.Stored;
        if (batch.Streams.Count == 0) return outcome;
        if (validator.Blocked() is { } blocked) return blocked;

        TenantState state = tenants.GetOrAdd(tenant, static (_, clock) => new TenantState(clock), time);
        double rate = tenantLimits.IngestionRateMb * BytesPerMb;
        if (!state.Bytes.TryTake(validator.LineBytes, rate, (long)(tenantLimits.IngestionBurstSizeMb * BytesPerMb)))
        {
            metrics.Discard("rate_limited", validator.Lines);
            return new PushVerdict(StatusCodes.Status429TooManyRequests,
                $"Ingestion rate limit exceeded for user {tenant} (limit: {(long)rate} bytes/sec) while attempting to ingest '{validator.Lines}' lines " +
                $"totaling '{validator.LineBytes}' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased");
        }
        if (RefuseNewStreams(batch, state, tenantLimits.MaxGlobalStreamsPerUser) is { } refused) outcome = refused;
        return batch.Streams.Count == 0 ? outcome : await StoreAsync(batch, outcome);
    }

    // Streams over the limit leave the batch, the others are stored: Loki's ingester goes on with the next stream too.
    private PushVerdict? RefuseNewStreams(PushBatch batch, TenantState state, int streamsMax)
    {
        PushVerdict? last = null;
        batch.Streams.RemoveAll(stream =>
        {
            if (state.TryActivate(stream.Labels, streamsMax)) return false;
            metrics.Discard("stream_limit", stream.Count);
            last = new PushVerdict(StatusCodes.Status429TooManyRequests,
                $"Maximum active stream limit exceeded when trying to create stream {stream.Labels.Text}, reduce the number of active streams " +
                "(reduce labels or reduce label values), or contact your Loki administrator to see if the limit can be increased, " +
                $"user: '{batch.Tenant}'");
            return true;
        });
        return last;
    }

    private async Task<PushVerdict> StoreAsync(PushBatch batch, PushVerdict outcome)
    {
        try
        {
            int lines = 0;
            long bytes = 0;
            foreach (BatchStream stream in batch.Streams)
            {
                lines += stream.Count;
                for (int i = stream.First; i < stream.First + stream.Count; i++) bytes += batch.Entries[i].LineLength;
            }
            int added = await store.AppendAsync(batch);
            metrics.StoredLines.Inc(added);
            metrics.DuplicateLines.Inc(lines - added);
            metrics.StoredBytes.Inc(bytes);
            return outcome;
        }
        catch (StoreException failure)
        {
            Log.StoreFailed(log, failure.Message);
            return new PushVerdict(StoreFailures.StatusOf(failure.Failure), failure.Message);
        }
    }
}
