
namespace LokiGateway.Shipper.Tail;

/// <summary>Why bytes of a file can never be read.</summary>
internal enum LossCause
{
    /// <summary>The node deleted the file, or a generation of it, with unread bytes.</summary>
    DeletedBeforeRead,

    /// <summary>We held a deleted file open and gave it up: limits.deleted_files_bytes.</summary>
    DeletedFilesBound,

    /// <summary>The file was emptied with unread bytes in it, and no copy of them was found.</summary>
    TruncatedBeforeRead,

    /// <summary>A rotated generation is there, but what it holds cannot be decompressed.</summary>
    UnreadableGeneration,
}

/// <summary>Told of bytes that can never be read, on the thread that found out; quick, and never throws.</summary>
internal delegate void LossReport(in FileLoss loss);

/// <summary>What Discover and Tail know of a loss; tenant, source and lines are added by who knows labels and books.</summary>
/// <param name="LogicalPath">The path that its labels come from; empty when only the identity survived.</param>
/// <param name="CurrentPath">Where it was last.</param>
/// <param name="SourceIndex">Index of its source; -1: unknown.</param>
/// <param name="Identity">Which file.</param>
/// <param name="From">First byte that was not read.</param>
/// <param name="To">The byte behind the last; equal to From when the length is not known.</param>
/// <param name="LastRead">Frame state before the gap: the time of the entry before it.</param>
/// <param name="LastWriteNanos">When the file was last written, Unix nanoseconds: no entry in the gap is younger; 0 = not known.</param>
/// <param name="Cause">Why.</param>
internal readonly record struct FileLoss(
    string LogicalPath, string CurrentPath, int SourceIndex, FileIdentity Identity, long From, long To, FramePosition LastRead,
    long LastWriteNanos, LossCause Cause)
{
    public static FileLoss Of(TailedFile file, long from, long to, LossCause cause, long lastWriteNanos = 0) =>
        new(file.LogicalPath, file.CurrentPath, file.Source.Index, file.Identity, from, to, file.Acked.Frame, lastWriteNanos, cause);
}
