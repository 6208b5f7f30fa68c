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

    /// <summary>Room for one more number, so that the checkpoint format need not change.</summary>
    public long Spare;
}
