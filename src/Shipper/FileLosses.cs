// Discover and Tail know which bytes of which file are gone; whose lines they were, and about how many, is known here.
using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Label;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper;

/// <summary>Turns what a scanner or a lane reports into named losses. Any thread.</summary>
/// <param name="options">For the tenant of lines of which not even the path is known.</param>
/// <param name="labels">Tells tenants from paths.</param>
/// <param name="losses">Where they are named.</param>
/// <param name="lineBytes">Average length of a line so far; 0: none was read yet.</param>
/// <param name="time">When it was noticed.</param>
internal sealed class FileLosses(ShipperOptions options, LabelResolver labels, LossLog losses, Func<double> lineBytes, TimeProvider time)
{
    /// <summary>What our measurements call average, for a shipper that has read nothing yet.</summary>
    private const double LineBytesUsual = 165;

    public void Report(in FileLoss loss)
    {
        bool isKnown = loss.SourceIndex >= 0 && loss.LogicalPath.Length > 0;
        string tenant = isKnown ? labels.TenantOf(loss.LogicalPath, loss.SourceIndex) : options.Endpoint.TenantId ?? "";
        string source = loss.LogicalPath.Length > 0 ? SourceName.Of(loss.LogicalPath) : "unknown";
        double average = lineBytes();
        if (average <= 0) average = LineBytesUsual;
        // Something that is lost is at least a line, also when its length is not known.
        long lines = Math.Max(1, (long)Math.Ceiling((loss.To - loss.From) / average));
        losses.Record(new LossRecord(
            time.GetUtcNow(), tenant, source, loss.CurrentPath, loss.Identity.ToString(), loss.From, loss.To,
            TimeOf(Math.Max(loss.LastRead.StdoutAssigned, loss.LastRead.StderrAssigned)), TimeOf(loss.LastWriteNanos), lines, LinesExact: false,
            ReasonOf(loss.Cause)));
    }

    private static LossReason ReasonOf(LossCause cause) => cause switch
    {
        LossCause.DeletedBeforeRead => LossReason.DeletedBeforeRead,
        LossCause.DeletedFilesBound => LossReason.DeletedFilesBound,
        LossCause.TruncatedBeforeRead => LossReason.TruncatedBeforeRead,
        LossCause.UnreadableGeneration => LossReason.UnreadableGeneration,
        _ => throw new ArgumentOutOfRangeException(nameof(cause), cause, "a loss without a name"),
    };

    private static DateTimeOffset? TimeOf(long unixNanos) => unixNanos > 0 ? DateTimeOffset.UnixEpoch.AddTicks(unixNanos / 100) : null;
}
