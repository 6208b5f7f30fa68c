using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// A deleted file that was not read to its end: nobody can open it by name any more, so it goes from one shipper in the process to the next as an open handle. A
/// configuration that is read again must not cost the lines that a process restart would.
/// </summary>
/// <param name="Path">The path that its labels come from.</param>
/// <param name="Opened">A handle of its own, which belongs to whoever has this.</param>
/// <param name="Acked">Everything before it was acknowledged.</param>
internal sealed record HeldFile(string Path, OpenedFile Opened, FilePosition Acked)
{
    /// <summary>Those of a scanner that has stopped, oldest first; their own handles stay with the scanner.</summary>
    public static List<HeldFile> Of(IEnumerable<TailedFile> files, ILogger log)
    {
        List<HeldFile> held = [];
        foreach (TailedFile file in files.OrderBy(static file => file.LeftPathAt))
        {
            // Asked of the file itself: it may have been deleted since the last scan.
            if (file.IsFinished || file.Handle is not { IsInvalid: false } handle) continue;
            if (FileStat.OfHandle(handle, out FileStat stat) != 0 || stat.Links > 0) continue;
            // The kernel's own link to an open file works when its name is gone.
            OpenedFile? opened = OpenedFile.TryOpen($"/proc/self/fd/{handle.DangerousGetHandle()}", skipBinary: false, out _, out _);
            if (opened is null)
            {
                Log.HeldFileLeft(log, file.LogicalPath, file.Acked.Offset, stat.Size);
                continue;
            }
            FilePosition acked = file.Acked;
            held.Add(new HeldFile(file.LogicalPath, opened, new FilePosition(acked.Offset, 0, acked.Frame)));
        }
        return held;
    }

    /// <summary>The name under which a path is known without the directory tree that it was found by.</summary>
    internal sealed class Name(string path) : LogName
    {
        public override string Path { get; } = path;
    }
}
