using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// Positions of the last run whose files are gone: what the node deleted while nobody looked. Bytes of them that we knew of and that were
/// not acknowledged are named losses. Scanner's thread only.
/// </summary>
internal sealed class GonePositions(FileTable table, LossReport? lost)
{
    /// <summary>
    /// After the first full scan: where the log is there, its generations were looked through, plain and compressed, and a position that
    /// none of them has claimed is of one that was deleted. Where nothing is there, a volume may be mounted late: that waits.
    /// </summary>
    public void AfterFirstScan()
    {
        if (table.Resume.IsEmpty) return;
        var there = new Dictionary<ulong, TailedFile>();
        foreach (TailedFile file in table.Files) there.TryAdd(file.PathHash, file);
        foreach (CheckpointEntry saved in table.Resume.Unclaimed)
            if (there.TryGetValue(saved.PathHash, out TailedFile? sibling)) Forget(saved, sibling);
    }

    /// <summary>In every scan: positions that nothing has claimed for long are of files that were deleted.</summary>
    public void ForgetOld()
    {
        table.Resume.ForgetEnded();
        if (table.Resume.IsEmpty || !table.Resume.IsPatienceOver) return;
        foreach (CheckpointEntry saved in table.Resume.Unclaimed) Forget(saved, sibling: null);
    }

    private void Forget(in CheckpointEntry saved, TailedFile? sibling)
    {
        // Reported first: a crash between the two tells of it twice and not never.
        if (saved.KnownSize > saved.Offset && !saved.IsEnded)
        {
            bool wasEmptied = table.Resume.WasEmptied(saved.Identity.Key);
            string path = sibling?.LogicalPath ?? "";
            lost?.Invoke(new FileLoss(
                path, path, sibling?.Source.Index ?? -1, saved.Identity, saved.Offset, saved.KnownSize, saved.Frame, 0,
                wasEmptied ? LossCause.TruncatedBeforeRead : LossCause.DeletedBeforeRead));
        }
        else if (sibling is not null) table.Resume.KeepEnded(saved);
        table.Resume.Claim(saved.Identity.Key);
    }
}
