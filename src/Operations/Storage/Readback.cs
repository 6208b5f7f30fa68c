using LokiGateway.Operations.Loki;

namespace LokiGateway.Operations.Storage;

/// <summary>What became of a probe.</summary>
/// <param name="Tenant">Whose.</param>
/// <param name="Took">From before the push until the line was read; null: it was not.</param>
/// <param name="Reason">push_failed, query_failed or timeout; null: it was read.</param>
/// <param name="Message">What was answered.</param>
internal sealed record ReadbackResult(string Tenant, TimeSpan? Took, string? Reason, string? Message);

/// <summary>How long a line takes from the push until a query returns it: what a user notices long before an object in S3 is old.</summary>
internal static class Readback
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(1);

    public static async Task<ReadbackResult> MeasureAsync(LokiClient loki, string tenant, TimeSpan limit, TimeProvider time, CancellationToken ct)
    {
        var probe = new ProbeLine(time);
        long began = time.GetTimestamp();
        try
        {
            await loki.PushAsync(tenant, probe.ToPush(), repeat: true, ct).ConfigureAwait(false);
        }
        catch (LokiException refused)
        {
            return new ReadbackResult(tenant, null, "push_failed", refused.Message);
        }

        try
        {
            for (TimeSpan pause = Pause; ; pause = pause * 2 < PauseMax ? pause * 2 : PauseMax)
            {
                if (await probe.IsReadableAsync(loki, tenant, ct).ConfigureAwait(false)) return new ReadbackResult(tenant, time.GetElapsedTime(began), null, null);
                if (time.GetElapsedTime(began) >= limit)
                    return new ReadbackResult(tenant, null, "timeout", $"{loki.Address}: took a line of tenant {tenant} and does not return it after {limit.TotalSeconds:0.#} s");
                await Task.Delay(pause, time, ct).ConfigureAwait(false);
            }
        }
        catch (LokiException refused)
        {
            return new ReadbackResult(tenant, null, "query_failed", refused.Message);
        }
    }
}
