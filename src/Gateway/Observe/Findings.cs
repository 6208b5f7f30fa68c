// Draws the conclusions that a tired person would otherwise have to draw from tables: is anything lost or refused right now, for whom, why, and what next.
using System.Globalization;
using LokiGateway.Gateway.Account;
using LokiGateway.Gateway.Completeness;

namespace LokiGateway.Gateway.Observe;

/// <summary>Pure: figures in, sentences out.</summary>
internal static class Findings
{
    /// <summary>More than a person reads.</summary>
    public const int ListedMax = 12;

    /// <summary>A node that will delete unread data sooner than this is told; later than that shippers usually catch up.</summary>
    private const double LossSoonSeconds = 6 * 3600;

    private const double MemoryHigh = 0.8;

    /// <summary>ok, warning or bad.</summary>
    public static string StateOf(IReadOnlyList<Finding> findings)
    {
        if (findings.Count == 0) return StatusCheck.Good;
        return findings.Any(static one => one.Level == StatusCheck.Bad) ? StatusCheck.Bad : StatusCheck.Warning;
    }

    public static List<Finding> Of(
        GatewayStatus gateway, UpstreamStatus upstream, MemoryStatus memory, IReadOnlyList<StatusCheck> checks, IReadOnlyList<TenantStatus> tenants,
        IReadOnlyList<RefusalStatus> refusals, IReadOnlyList<ClusterStatus> clusters, IReadOnlyList<NodeStatus> nodes, double threshold, double window)
    {
        IEnumerable<Finding> all =
        [
            .. OfUpstream(upstream),
            .. clusters.Where(static one => one.MissingSources > 0).OrderByDescending(static one => one.LostLines)
                .ThenByDescending(static one => one.ExpectedLines - one.AckedLines).Select(one => OfMissing(one, threshold)),
            .. OfSilent(nodes),
            .. nodes.Where(static one => !one.Silent && one.SecondsUntilLoss < LossSoonSeconds).Select(OfLossSoon),
            .. refusals.Where(static one => one.Count > 0 && one.By == RefusalTexts.ByLoki).Select(one => OfUnacked(one, window)),
            .. OfLimits(tenants, window),
            .. OfMemory(memory, refusals),
            .. OfSignIn(refusals, window),
            .. checks.Where(static one => one.State != StatusCheck.Good)
                .Select(static one => new Finding(one.State, "check", $"{Capital(one.Name)}: {one.Text}.", "", one.Next ?? "See the gateway's log.")),
            .. gateway.Draining
                ? [new Finding(StatusCheck.Warning, "draining", "The gateway is stopping.", "It was asked to, and finishes what is on its way.",
                    "Its address answers 503 on /ready.")]
                : Array.Empty<Finding>(),
        ];
        // Stable: within a level the order above, which is that of what is at stake.
        return [.. all.OrderBy(static one => one.Level != StatusCheck.Bad)];
    }

    private static IEnumerable<Finding> OfUpstream(UpstreamStatus upstream)
    {
        if (!upstream.BreakerOpen) yield break;
        string last = upstream.LastFailures is [var failure, ..] ? $"Loki's last failure: {failure.What} {failure.Detail}".TrimEnd() : "half of the last pushes failed";
        yield return new Finding(StatusCheck.Bad, "breaker_open", "Nothing reaches Loki: the circuit breaker is open.", last + ".",
            $"Look at Loki's distributors behind {upstream.PushUrl}. Agents keep their lines and send again; the breaker tries every two seconds.");
    }

    private static Finding OfMissing(ClusterStatus one, double threshold)
    {
        string where = one.Cluster is null ? $"Tenant {one.Tenant}" : $"Cluster {one.Cluster}, tenant {one.Tenant}";
        string[] parts =
        [
            .. one.LostLines > 0 ? [$"{Finding.Number(one.LostLines)} lost before they could be read"] : Array.Empty<string>(),
            .. one.RejectedLines > 0 ? [$"{Finding.Number(one.RejectedLines)} refused for good"] : Array.Empty<string>(),
            .. one.UndecidedLines > 0 ? [$"{Finding.Number(one.UndecidedLines)} read and still not acknowledged"] : Array.Empty<string>(),
        ];
        string sources = one.MissingSources == 1 ? "1 source" : $"{Finding.Number(one.MissingSources)} sources";
        MissingStatus? first = one.Missing is [var most, ..] ? most : null;
        bool isBad = one.BelowThreshold || one.LostLines > 0 || one.RejectedLines > 0;
        return new Finding(
            isBad ? StatusCheck.Bad : StatusCheck.Warning, "missing",
            string.Create(CultureInfo.InvariantCulture,
                $"{where}: {Finding.Lines(one.ExpectedLines - one.AckedLines)} of {sources} are not in Loki ({Percent(one.Ratio)} complete, threshold {threshold * 100:0.##} %)."),
            $"{string.Join(", ", parts)}.{(first is null ? "" : $" Most from {first.Source} on {first.Node}.")}",
            "Every missing source by name:",
            $"{CompletenessPage.Path}?tenant={Uri.EscapeDataString(one.Tenant)}{(one.Cluster is { Length: <= 255 } cluster ? "&cluster=" + Uri.EscapeDataString(cluster) : "")}");
    }

    /// <summary>Never 100 % while something is missing.</summary>
    private static string Percent(double ratio) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(ratio * 10_000) / 100:0.##} %");

    private static IEnumerable<Finding> OfSilent(IReadOnlyList<NodeStatus> nodes)
    {
        List<NodeStatus> silent = [.. nodes.Where(static one => one.Silent)];
        if (silent.Count == 0) yield break;
        string names = string.Join(", ", silent.Take(5).Select(static one => $"{one.Node} (for {Finding.Seconds(one.AgeSeconds)})"));
        if (silent.Count > 5) names += $" and {Finding.Number(silent.Count - 5)} more";
        yield return new Finding(StatusCheck.Bad, "silent", silent.Count == 1 ? "1 node is silent." : $"{Finding.Number(silent.Count)} nodes are silent.",
            $"Neither a report nor a push: {names}.", "Look at the shipper's pod on the node; its lines wait there in their files.", CompletenessPage.Path);
    }

    private static Finding OfLossSoon(NodeStatus node) => new(
        StatusCheck.Bad, "loss_soon", $"Node {node.Node} will delete unread lines in {Finding.Seconds(node.SecondsUntilLoss ?? 0)}.",
        $"Its shipper is {Finding.Seconds(node.SecondsBehind)} and {Finding.Bytes(node.BytesBehind)} behind.",
        "Find what holds it: its limits here, Loki, or its own read_rate.", CompletenessPage.Path);

    private static Finding OfUnacked(RefusalStatus one, double window) => new(
        StatusCheck.Bad, "unacked", $"{Finding.Lines(one.Count)} were forwarded and not acknowledged in the last {Finding.Seconds(window)}: {one.Reason}.",
        $"{Capital(one.Meaning)}. {Who(one)}", RefusalTexts.NextOfLoki(one.Reason));

    private static string Who(RefusalStatus one)
    {
        if (one.Tenants.Count == 0) return "";
        string names = string.Join(", ", one.Tenants.Select(static tenant => tenant.Tenant));
        return one.TenantsMore == 0 ? $"Tenants: {names}." : $"Tenants: {names} and {Finding.Number(one.TenantsMore)} more.";
    }

    private static IEnumerable<Finding> OfLimits(IReadOnlyList<TenantStatus> tenants, double window) =>
        from tenant in tenants
        from reason in tenant.Refused
        where reason.Count > 0
        let isBlocked = reason.Reason == DiscardReasons.BlockedIngestion
        orderby reason.Count descending, tenant.Tenant
        select new Finding(
            isBlocked ? StatusCheck.Bad : StatusCheck.Warning, "refused",
            $"Tenant {tenant.Tenant}: {Finding.Lines(reason.Count)} refused in the last {Finding.Seconds(window)}: {reason.Reason}.",
            WhyOf(tenant, reason.Reason, window), RefusalTexts.NextOfLimit(reason.Reason));

    private static string WhyOf(TenantStatus tenant, string reason, double window) => reason switch
    {
        // On average within its limit: what was refused came at once.
        DiscardReasons.RateLimited when tenant.ReceivedBytes / window < tenant.LimitBytesPerSecond =>
            $"It sends in bursts: {Finding.Bytes(tenant.ReceivedBytes / window)}/s on average, but more at once than its burst of {Finding.Bytes(tenant.BurstBytes)} "
            + $"with {Finding.Bytes(tenant.LimitBytesPerSecond)}/s allows.",
        DiscardReasons.RateLimited =>
            $"It sends {Finding.Bytes(tenant.ReceivedBytes / window)}/s, its limit here is {Finding.Bytes(tenant.LimitBytesPerSecond)}/s "
            + $"(burst {Finding.Bytes(tenant.BurstBytes)}).",
        DiscardReasons.StreamLimit => $"It has {Finding.Number(tenant.Streams)} active streams, its limit here is {Finding.Number(tenant.StreamsMax ?? 0)}.",
        DiscardReasons.BlockedIngestion when tenant.BlockedUntil is { } until =>
            $"It is blocked until {until.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC. Agents throw such lines away.",
        _ => Capital(RefusalTexts.OfLimit(reason)) + ".",
    };

    private static IEnumerable<Finding> OfMemory(MemoryStatus memory, IReadOnlyList<RefusalStatus> refusals)
    {
        double part = (double)memory.BodiesBytes / memory.BodiesBytesMax;
        if (part < MemoryHigh) yield break;
        bool refuses = refusals.Any(static one => one.Count > 0 && one.By == RefusalTexts.ByRequest && one.Reason.EndsWith(" 503", StringComparison.Ordinal));
        yield return new Finding(refuses ? StatusCheck.Bad : StatusCheck.Warning, "memory",
            $"The memory for bodies is {Percent(part)} full.", "Pushes wait for Loki, or many agents reconnect at once; beyond it they are answered 503.",
            "Look at Loki's answers below; raise server.max_inflight_bytes, or add replicas.");
    }

    private static IEnumerable<Finding> OfSignIn(IReadOnlyList<RefusalStatus> refusals, double window)
    {
        List<RefusalStatus> failures = [.. refusals.Where(static one => one.Count > 0 && one.By == RefusalTexts.BySignIn)];
        if (failures.Count == 0) yield break;
        yield return new Finding(
            StatusCheck.Warning, "sign_in",
            $"{Finding.Number(failures.Sum(static one => one.Count))} requests were not let in in the last {Finding.Seconds(window)}.",
            string.Join(", ", failures.Select(static one => $"{Finding.Number(one.Count)} {one.Reason}")) + ".",
            "The gateway's log names their addresses; agents hold their lines until they are let in.");
    }

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];
}
