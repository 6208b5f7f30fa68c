// kubelet renames a container's log between two writes, and a long line is many writes: its P parts end one file and its F begins the next. Here the
// open line goes over to the generation that follows, so that it arrives whole.
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper;

/// <summary>
/// Lane only. The older file's position stays in front of the first part until the line is shipped from the newer one; then both move with the same
/// batch. A crash before reads the parts again and hands them over again.
/// </summary>
internal static class PartsHandover
{
    /// <summary>When a file is first looked at: takes over what its predecessor, read to its end, has begun.</summary>
    public static void Inherit(TailedFile file, PipelineFile state, TailedFile older)
    {
        // Behind its head the line was joined in an earlier run, or never could be.
        if (file.ReadOffset > 0 || older.Drained || older.IsGivenUp || older.Frame is not PipelineFile olderState) return;
        if (!ReferenceEquals(olderState.Tenant, state.Tenant) || !olderState.Framing.HandPartsTo(state.Framing)) return;
        state.PartsFrom = older;
        state.PartsSince = olderState.PartsSince;
    }

    /// <summary>After framing: when the inherited lines are in the batch, the older file is done with the same batch.</summary>
    public static void Settle(PipelineFile state)
    {
        if (state.PartsFrom is not { } older || state.Framing.HasInherited) return;
        var olderState = (PipelineFile)older.Frame!;
        olderState.Framing.HandedOn = null;
        olderState.LastSequence = state.LastSequence;
        state.PartsFrom = null;
        state.Tenant.Builder.Mark(older, olderState.PositionIn(older));
    }
}
