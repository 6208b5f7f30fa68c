using System.Globalization;
using LokiGateway.Operations.Loki;
using LokiGateway.Operations.Storage;

namespace LokiGateway.Operations.Preflight;

/// <summary>What only Loki and the gateway before it can answer.</summary>
internal sealed class LokiChecks(LokiClient loki, TimeSpan readbackTimeout, TimeProvider time)
{
    public async Task<IReadOnlyList<CheckResult>> RunAsync(IReadOnlyList<string> tenants, string foreignTenant, CancellationToken ct)
    {
        var results = new List<CheckResult>();
        results.AddRange(await ReadyAsync(loki, ct).ConfigureAwait(false));
        foreach (string tenant in tenants)
        {
            string name = $"tenant {tenant}";
            ReadbackResult probe = await Readback.MeasureAsync(loki, tenant, readbackTimeout, time, ct).ConfigureAwait(false);
            results.Add(probe.Took is { } took
                ? CheckResult.Ok(name, string.Create(CultureInfo.InvariantCulture, $"a line that was pushed was read back after {took.TotalSeconds:0.000} s"))
                : CheckResult.Failed(name, probe.Message ?? probe.Reason!, probe.Reason == "push_failed"
                    ? "give this credential the tenant with push and read (the gateway's credentials_file), and look at the tenant's limits"
                    : "look at Loki's queriers and at query_ingesters_within: what is acknowledged must be readable at once"));
        }
        if (foreignTenant.Length > 0) results.Add(await ForeignAsync(foreignTenant, ct).ConfigureAwait(false));
        return results;
    }

    public async Task<IReadOnlyList<CheckResult>> ReadyAsync(LokiClient client, CancellationToken ct)
    {
        string name = $"{client.Address}ready";
        try
        {
            (int status, string text, DateTimeOffset? date) = await client.PageAsync("ready", ct).ConfigureAwait(false);
            CheckResult ready = status == 200 ? CheckResult.Ok(name, "ready")
                : CheckResult.Failed(name, $"answers {status} \"{text}\"", "look at the log of the component that is named; Loki's ingesters take 15 s from their start");
            return [ready, BucketChecks.Skew($"clock of {client.Address}", date, time.GetUtcNow())];
        }
        catch (LokiException failure)
        {
            return [CheckResult.Unknown(name, failure.Message, "correct the address, or open the way to it (Service, NetworkPolicy)")];
        }
    }

    private async Task<CheckResult> ForeignAsync(string tenant, CancellationToken ct)
    {
        string name = $"foreign tenant {tenant}";
        try
        {
            await loki.PushAsync(tenant, new ProbeLine(time).ToPush(), repeat: false, ct).ConfigureAwait(false);
            return CheckResult.Failed(name, $"{loki.Address}: took a line for a tenant that this credential is not for",
                "set auth.mode of the gateway to static, mtls or jwt, or let only the gateway reach Loki; --foreign-tenant \"\" leaves this out");
        }
        catch (LokiException refused) when (refused.Fault == LokiFault.Denied)
        {
            return CheckResult.Ok(name, $"refused with {refused.Status}");
        }
        catch (LokiException other)
        {
            return CheckResult.Unknown(name, other.Message);
        }
    }
}
