// All that the gateway knows of its own state at one moment, put together for a person: bounded lists, the worst first.
using LokiGateway.Gateway.Account;
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Completeness;
using LokiGateway.Gateway.Forward;
using LokiGateway.Gateway.Receive;
using LokiGateway.Hosting.Lifetime;
using LokiGateway.Hosting.Limits;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Gateway.Observe;

/// <summary>What the page is made from.</summary>
internal sealed record StatusSources(
    GatewayOptions Options, Tenants Tenants, RuntimeLimits Limits, UpstreamForwarder Upstream, BodyMemory Memory, CompletenessBook Completeness, GatewayMetrics Metrics,
    StatusChecks Checks, Func<bool> IsDraining, Func<int> PushPort);

/// <summary>Looks at the counts every ten seconds, so that the figures of the last minute are there when somebody opens the page. Thread-safe.</summary>
internal sealed class StatusBook : IAsyncDisposable
{
    public const int TenantsMax = 50;
    public const int ClustersMax = 30;
    public const int NodesMax = 50;
    public const int MissingPerClusterMax = 10;
    public const int TenantsPerReasonMax = 5;

    private readonly StatusSources _sources;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly long[] _looks;
    private readonly DateTime _startedAt;
    private int _slot;

    public StatusBook(StatusSources sources, TimeProvider time)
    {
        (_sources, _time, _startedAt) = (sources, time, time.GetUtcNow().UtcDateTime);
        // All counts were 0 now.
        _looks = [.. Enumerable.Repeat(time.GetTimestamp(), RecentCount.Looks)];
        _timer = time.CreateTimer(static state => ((StatusBook)state!).Look(), this, RecentCount.LookPeriod, RecentCount.LookPeriod);
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    public StatusDocument Now()
    {
        int slot = (Volatile.Read(ref _slot) + 1) % RecentCount.Looks;
        double window = Math.Max(1, _time.GetElapsedTime(Volatile.Read(ref _looks[slot])).TotalSeconds);
        DateTime now = _time.GetUtcNow().UtcDateTime;
        List<TenantStatus> tenants = TenantsAt(slot, now);
        List<RefusalStatus> refusals = [.. Refusals(tenants, slot)];
        double threshold = _sources.Completeness.Options.Threshold;
        IReadOnlyList<ClusterState> states = _sources.Completeness.Judge();
        List<ClusterStatus> clusters = [.. states.Select(state => Cluster(state, threshold))];
        List<NodeStatus> nodes = Nodes(states, now);
        UpstreamStatus upstream = Upstream(slot);
        var memory = new MemoryStatus(_sources.Memory.ChargedBytes, _sources.Options.Bounds.BytesInFlightMax, _sources.Memory.KeptBytes, Environment.WorkingSet);
        GatewayStatus gateway = Gateway();
        IReadOnlyList<StatusCheck> checks = _sources.Checks.Now();
        List<Finding> findings = Findings.Of(gateway, upstream, memory, checks, tenants, refusals, clusters, nodes, threshold, window);
        return new StatusDocument(
            now, Math.Round(window, 1), Findings.StateOf(findings), [.. findings.Take(Findings.ListedMax)], Math.Max(0, findings.Count - Findings.ListedMax), gateway,
            Traffic(tenants, clusters),
            [.. tenants.OrderByDescending(Trouble).ThenByDescending(tenant => Use(tenant, window)).ThenBy(static tenant => tenant.Tenant, StringComparer.Ordinal).Take(TenantsMax)],
            Math.Max(0, tenants.Count - TenantsMax),
            refusals,
            [.. clusters.OrderByDescending(static one => one.BelowThreshold).ThenByDescending(static one => one.LostLines)
                .ThenByDescending(static one => one.ExpectedLines - one.AckedLines).ThenByDescending(static one => one.SilentNodes).Take(ClustersMax)],
            Math.Max(0, clusters.Count - ClustersMax),
            [.. nodes.Take(NodesMax)], Math.Max(0, nodes.Count - NodesMax), upstream, memory, checks, threshold);
    }

    private void Look()
    {
        int slot = (_slot + 1) % RecentCount.Looks;
        foreach (Tenant tenant in _sources.Tenants.All) tenant.Metrics.Look(slot);
        _sources.Metrics.RecentRequests.Look(slot);
        _sources.Metrics.RecentAuthFailures.Look(slot);
        _sources.Metrics.Upstream.Look(slot);
        Volatile.Write(ref _looks[slot], _time.GetTimestamp());
        Volatile.Write(ref _slot, slot);
    }

    private List<TenantStatus> TenantsAt(int slot, DateTime now)
    {
        List<TenantStatus> all = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (Tenant tenant in _sources.Tenants.All)
        {
            seen.Add(tenant.Name);
            TenantBooks books = tenant.Metrics;
            all.Add(new TenantStatus(
                tenant.Name, books.ReceivedBytes.Since(slot), tenant.BytesPerSecond, tenant.BurstBytes, tenant.Streams.Count,
                tenant.StreamsMax == 0 ? null : tenant.StreamsMax, books.ReceivedLines.Since(slot), books.AckedLines.Since(slot), Reasons(books.DiscardedLines, slot),
                Reasons(books.UnackedLines, slot), BlockedUntil(tenant.Limits, now)));
        }

        // Those that are configured and silent are worth a line: somebody expects them.
        int replicas = _sources.Options.Replicas;
        foreach (string name in _sources.Limits.Tenants)
        {
            if (!seen.Add(name)) continue;
            TenantLimits limits = _sources.Limits.For(name);
            int streamsMax = limits.MaxGlobalStreamsPerUser;
            all.Add(new TenantStatus(
                name, 0, limits.IngestionRateMb * 1024 * 1024 / replicas, (long)(limits.IngestionBurstSizeMb * 1024 * 1024), 0,
                streamsMax == 0 ? null : Math.Max(1, streamsMax / replicas), 0, 0, [], [], BlockedUntil(limits, now)));
        }

        return all;
    }

    private static DateTime? BlockedUntil(TenantLimits limits, DateTime now) =>
        limits.BlockIngestionUntil is { } until && until.UtcDateTime > now ? until.UtcDateTime : null;

    private static IReadOnlyList<ReasonCount> Reasons(RecentCounts<string> counts, int slot) =>
        [.. counts.All.Select(one => new ReasonCount(one.Key, one.Value.Since(slot), one.Value.Total)).OrderByDescending(static one => one.Count)];

    private static long Trouble(TenantStatus tenant) =>
        tenant.Refused.Sum(static one => one.Count) + tenant.Unacked.Sum(static one => one.Count) + (tenant.BlockedUntil is null ? 0 : 1);

    /// <summary>How much of its nearest limit a tenant uses.</summary>
    private static double Use(TenantStatus tenant, double window) => Math.Max(
        tenant.LimitBytesPerSecond <= 0 ? 0 : tenant.ReceivedBytes / window / tenant.LimitBytesPerSecond,
        tenant.StreamsMax is { } max ? (double)tenant.Streams / max : 0);

    private static TrafficStatus Traffic(List<TenantStatus> tenants, List<ClusterStatus> clusters) => new(
        tenants.Sum(static one => one.ReceivedLines), tenants.Sum(static one => one.ReceivedBytes), tenants.Sum(static one => one.AckedLines),
        tenants.Sum(static one => one.Refused.Sum(static reason => reason.Count)), tenants.Sum(static one => one.Unacked.Sum(static reason => reason.Count)),
        clusters.Sum(static one => one.ExpectedLines - one.AckedLines), clusters.Sum(static one => (long)one.MissingSources));

    private IEnumerable<RefusalStatus> Refusals(List<TenantStatus> tenants, int slot)
    {
        IEnumerable<RefusalStatus> all =
        [
            .. OfTenants(tenants, static tenant => tenant.Refused, RefusalTexts.ByLimit, RefusalTexts.OfLimit),
            .. OfTenants(tenants, static tenant => tenant.Unacked, RefusalTexts.ByLoki, RefusalTexts.OfLoki),
            .. _sources.Metrics.RecentAuthFailures.All.Select(one => new RefusalStatus(
                RefusalTexts.BySignIn, one.Key, "not let in", "requests", one.Value.Since(slot), one.Value.Total, [], 0)),
            .. _sources.Metrics.RecentRequests.All.Where(static one => one.Key.Status is >= 400 or 260).Select(one => new RefusalStatus(
                RefusalTexts.ByRequest, $"{Routes.NameOf(one.Key.Route)} {one.Key.Status}", RefusalTexts.OfRequest(one.Key.Route, one.Key.Status), "requests",
                one.Value.Since(slot), one.Value.Total, [], 0)),
        ];
        // Lines first: they say what is at stake. Requests that were answered so only long ago come last.
        return all.OrderBy(static one => one.Count == 0).ThenBy(static one => one.Unit == "requests").ThenByDescending(static one => one.Count)
            .ThenByDescending(static one => one.SinceStart);
    }

    private static IEnumerable<RefusalStatus> OfTenants(
        List<TenantStatus> tenants, Func<TenantStatus, IReadOnlyList<ReasonCount>> reasons, string side, Func<string, string> meaning) =>
        from tenant in tenants
        from one in reasons(tenant)
        group (tenant.Tenant, one.Count, one.SinceStart) by one.Reason into reason
        let named = reason.Where(static one => one.Count > 0).OrderByDescending(static one => one.Count).ToList()
        select new RefusalStatus(
            side, reason.Key, meaning(reason.Key), "lines", reason.Sum(static one => one.Count), reason.Sum(static one => one.SinceStart),
            [.. named.Take(TenantsPerReasonMax).Select(static one => new TenantCount(one.Tenant, one.Count))], Math.Max(0, named.Count - TenantsPerReasonMax));

    private static ClusterStatus Cluster(ClusterState state, double threshold) => new(
        state.Tenant, state.Cluster.Length == 0 ? null : Cut(state.Cluster), state.Lines.Ratio, state.Lines.IsBelow(threshold), state.Lines.Expected, state.Lines.Acked,
        state.Lines.Undecided, state.Lines.Rejected, state.Lines.Lost, state.Nodes.Count, state.SilentNodes, state.Missing.Count,
        [.. state.Missing.Take(MissingPerClusterMax).Select(static one => new MissingStatus(
            one.Node, Cut(one.Source), one.Lines.Expected, one.Lines.Acked, one.Lines.Undecided, one.Lines.Rejected, one.Lines.Lost, ReasonsOf(one)))]);

    private static IReadOnlyList<string> ReasonsOf(in MissingSource one) =>
        [.. Named(one.Lines.Rejected, one.Last.Rejected).Concat(Named(one.Lines.Lost, one.Last.Lost)).Take(4)];

    private static IEnumerable<string> Named(long lines, IReadOnlyDictionary<string, long>? reasons) =>
        lines == 0 || reasons is null ? [] : reasons.OrderByDescending(static one => one.Value).Select(static one => one.Key);

    /// <summary>A shipper reports for each of its tenants; on the page a node is one line.</summary>
    private static List<NodeStatus> Nodes(IReadOnlyList<ClusterState> states, DateTime now)
    {
        Dictionary<(string Cluster, string Node), NodeStatus> nodes = [];
        foreach (ClusterState state in states)
        {
            foreach (NodeState node in state.Nodes)
            {
                SourceReport total = node.Books.Total;
                DateTime at = node.Books.LastAt.UtcDateTime;
                var key = (state.Cluster, node.Books.Node);
                nodes[key] = nodes.TryGetValue(key, out NodeStatus? known)
                    ? known with
                    {
                        Silent = known.Silent || node.IsSilent,
                        Stopped = known.Stopped && node.Books.IsStopped,
                        LastReport = at > known.LastReport ? at : known.LastReport,
                        AgeSeconds = Math.Min(known.AgeSeconds, (now - at).TotalSeconds),
                        BytesBehind = known.BytesBehind + total.BytesBehind,
                        SecondsBehind = Math.Max(known.SecondsBehind, total.SecondsBehind),
                        SecondsUntilLoss = known.SecondsUntilLoss is { } a && total.SecondsUntilLoss is { } b ? Math.Min(a, b) : known.SecondsUntilLoss ?? total.SecondsUntilLoss,
                    }
                    : new NodeStatus(
                        node.Books.Node, state.Cluster.Length == 0 ? null : Cut(state.Cluster), node.IsSilent, node.Books.IsStopped, at,
                        Math.Max(0, (now - at).TotalSeconds), total.BytesBehind, total.SecondsBehind, total.SecondsUntilLoss);
            }
        }

        return
        [
            .. nodes.Values.OrderByDescending(static one => one.Silent).ThenBy(static one => one.SecondsUntilLoss ?? double.MaxValue)
                .ThenByDescending(static one => one.SecondsBehind).ThenByDescending(static one => one.BytesBehind).ThenBy(static one => one.Node, StringComparer.Ordinal),
        ];
    }

    private UpstreamStatus Upstream(int slot)
    {
        UpstreamHealth health = _sources.Metrics.Upstream;
        Uri url = _sources.Options.Upstream.PushUrl;
        return new UpstreamStatus(
            // Without a user and a password that somebody may have put into it.
            url.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped), health.IsBreakerOpen, health.BreakerChangedAt,
            _sources.Upstream.InFlight, _sources.Options.Upstream.MaxInFlight, health.Sent.Since(slot), health.Failed.Since(slot), health.NotSent.Since(slot),
            health.WaitOf(0.5, slot), health.WaitOf(0.99, slot), health.Failures);
    }

    private GatewayStatus Gateway() => new(
        Environment.MachineName, ProgramVersion.Text, _startedAt, _sources.IsDraining(), _sources.Options.AuthMode switch
        {
            AuthMode.Trust => "trust",
            AuthMode.Static => "static",
            AuthMode.Mtls => "mtls",
            _ => "jwt",
        },
        _sources.PushPort(), _sources.Options.Replicas);

    /// <summary>The longest name of a source has 4,608 characters; its beginning and its end tell it from others. The whole is in /api/v1/completeness.</summary>
    internal static string Cut(string name) => name.Length <= 256 ? name : $"{name.AsSpan(0, 127)}…{name.AsSpan(name.Length - 128)}";
}
