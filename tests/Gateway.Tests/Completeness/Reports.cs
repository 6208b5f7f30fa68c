// Reports as a shipper would write them: the books of every line close.
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Gateway.Tests.Completeness;

internal static class Reports
{
    public static SourceReport Source(string name, long read, long acked, long rejected = 0, long lost = 0, bool gone = false) => new()
    {
        Source = name,
        Read = read,
        Acked = acked,
        InFlight = read - acked - rejected,
        Rejected = rejected == 0 ? null : new Dictionary<string, long> { ["too_far_behind"] = rejected },
        Lost = lost == 0 ? null : new Dictionary<string, long> { ["deleted_before_read"] = lost },
        BytesBehind = 0,
        SecondsBehind = 0,
        Gone = gone,
    };

    public static ShipperReport Of(string node, long epoch, long sequence, DateTimeOffset at, params SourceReport[] sources) => new()
    {
        Version = ShipperReport.CurrentVersion,
        Node = node,
        Cluster = "prod",
        Epoch = epoch,
        Sequence = sequence,
        Part = 1,
        Parts = 1,
        At = at.UtcDateTime,
        IntervalSeconds = 15,
        Total = Source(
            "*", sources.Sum(static one => one.Read), sources.Sum(static one => one.Acked), sources.Sum(static one => one.RejectedLines),
            sources.Sum(static one => one.LostLines)),
        Ended = Source("*", 0, 0),
        Sources = sources,
    };
}
