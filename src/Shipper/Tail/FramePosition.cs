using System.Runtime.InteropServices;

namespace LokiGateway.Shipper.Tail;

/// <summary>
/// 48 bytes that belong to the Frame stage and travel with a position into the checkpoint and back. Tail and Commit never look inside.
/// default(FramePosition) means "nothing is known": a file that was never framed.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 8, Size = SizeInBytes)]
internal record struct FramePosition
{
    public const int SizeInBytes = 48;

    /// <summary>
    /// Last timestamp as written in the file and as sent, Unix nanoseconds, for stdout (and for everything that is not CRI).
    /// </summary>
    public long StdoutOriginal;
    public long StdoutAssigned;

    /// <summary>The same for stderr.</summary>
    public long StderrOriginal;
    public long StderrAssigned;

    /// <summary>Frame's own bits (detected format, which of the above are set, ...).</summary>
    public long Flags;

    /// <summary>
    /// How many entries of this generation lie before the position: gives every entry a number that a restart counts again the same way,
    /// which is what the ledger merges by.
    /// </summary>
    public long Entries;
}
