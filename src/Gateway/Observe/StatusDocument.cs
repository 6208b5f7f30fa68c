// What GET /api/v1/status answers. Schema: docs/formats/status.md. Every list is bounded and says how many it leaves out.
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LokiGateway.Gateway.Observe;

internal sealed record StatusDocument(
    DateTime At, double WindowSeconds, string State, IReadOnlyList<Finding> Findings, int FindingsMore, GatewayStatus Gateway, TrafficStatus Traffic,
    IReadOnlyList<TenantStatus> Tenants, int TenantsMore, IReadOnlyList<RefusalStatus> Refusals, IReadOnlyList<ClusterStatus> Clusters, int ClustersMore,
    IReadOnlyList<NodeStatus> Nodes, int NodesMore, UpstreamStatus Upstream, MemoryStatus Memory, IReadOnlyList<StatusCheck> Checks, double CompletenessThreshold);

internal sealed record GatewayStatus(string Instance, string Version, DateTime StartedAt, bool Draining, string AuthMode, int PushPort, int Replicas);

/// <summary>Over all tenants, clusters and nodes, listed or not.</summary>
/// <param name="ReceivedLines">In the window, as the next four.</param>
/// <param name="ReceivedBytes">As the rates count them.</param>
/// <param name="AckedLines">Taken by Loki.</param>
/// <param name="RefusedLines">By limits.</param>
/// <param name="UnackedLines">Forwarded and not acknowledged.</param>
/// <param name="MissingLines">Of completeness.window.</param>
/// <param name="MissingSources">The same.</param>
internal sealed record TrafficStatus(
    long ReceivedLines, long ReceivedBytes, long AckedLines, long RefusedLines, long UnackedLines, long MissingLines, long MissingSources);

/// <param name="Tenant">Its id.</param>
/// <param name="ReceivedBytes">In the window, refused ones included.</param>
/// <param name="LimitBytesPerSecond">This replica's share.</param>
/// <param name="BurstBytes">The largest push that can pass.</param>
/// <param name="Streams">Active ones.</param>
/// <param name="StreamsMax">This replica's share; null: no limit.</param>
/// <param name="ReceivedLines">In the window.</param>
/// <param name="AckedLines">In the window.</param>
/// <param name="Refused">By the limit that did it.</param>
/// <param name="Unacked">By Loki's status, or why there was none.</param>
/// <param name="BlockedUntil">Null: not blocked.</param>
internal sealed record TenantStatus(
    string Tenant, long ReceivedBytes, double LimitBytesPerSecond, long BurstBytes, int Streams, int? StreamsMax, long ReceivedLines, long AckedLines,
    IReadOnlyList<ReasonCount> Refused, IReadOnlyList<ReasonCount> Unacked, DateTime? BlockedUntil);

/// <summary>In the window, and since the start of the gateway (or since the tenant was first heard of).</summary>
internal sealed record ReasonCount(string Reason, long Count, long SinceStart);

/// <param name="By">limit, loki, sign_in or request.</param>
/// <param name="Reason">As in metrics.</param>
/// <param name="Meaning">In words.</param>
/// <param name="Unit">lines or requests.</param>
/// <param name="Count">In the window.</param>
/// <param name="SinceStart">Since the start.</param>
/// <param name="Tenants">Those with the most; empty where tenants are not known.</param>
/// <param name="TenantsMore">How many others there are.</param>
internal sealed record RefusalStatus(
    string By, string Reason, string Meaning, string Unit, long Count, long SinceStart, IReadOnlyList<TenantCount> Tenants, int TenantsMore);

internal sealed record TenantCount(string Tenant, long Count);

internal sealed record ClusterStatus(
    string Tenant, string? Cluster, double Ratio, bool BelowThreshold, long ExpectedLines, long AckedLines, long UndecidedLines, long RejectedLines, long LostLines,
    int Nodes, int SilentNodes, int MissingSources, IReadOnlyList<MissingStatus> Missing);

internal sealed record MissingStatus(
    string Node, string Source, long ExpectedLines, long AckedLines, long UndecidedLines, long RejectedLines, long LostLines, IReadOnlyList<string> Reasons);

internal sealed record NodeStatus(
    string Node, string? Cluster, bool Silent, bool Stopped, DateTime LastReport, double AgeSeconds, long BytesBehind, double SecondsBehind, double? SecondsUntilLoss);

internal sealed record UpstreamStatus(
    string PushUrl, bool BreakerOpen, DateTime BreakerChangedAt, int InFlight, int MaxInFlight, long Sent, long Failed, long NotSent,
    double? WaitP50Seconds, double? WaitP99Seconds, IReadOnlyList<UpstreamFailure> LastFailures);

/// <param name="BodiesBytes">Charged for all requests now.</param>
/// <param name="BodiesBytesMax">server.max_inflight_bytes.</param>
/// <param name="KeptBytes">Buffers that lie unused.</param>
/// <param name="ResidentBytes">Of the process.</param>
internal sealed record MemoryStatus(long BodiesBytes, long BodiesBytesMax, long KeptBytes, long ResidentBytes);

[JsonSerializable(typeof(StatusDocument))]
internal sealed partial class StatusJson : JsonSerializerContext
{
    public static readonly StatusJson Written = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    });
}
