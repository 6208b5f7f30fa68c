using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// One path that matches a source, and the file that it leads to. Scanner's thread, but for <see cref="Path"/>.
/// </summary>
internal sealed class LogPath(DirectoryNode directory, string name, LogSource source, bool isPlainName = false) : LogName
{
    public string Name { get; } = name;

    public LogSource Source { get; } = source;

    /// <summary>It was configured without a wildcard: its directory is not listed.</summary>
    public bool IsPlainName { get; } = isPlainName;

    /// <summary>The absolute path, a new string each time. Any thread: names and parents never change.</summary>
    public override string Path
    {
        get
        {
            Span<char> buffer = stackalloc char[DirectoryNode.PathCharsMax];
            return new string(buffer[..WritePath(buffer)]);
        }
    }

    /// <summary>The log that this is a rotated generation of, which need not exist just now.</summary>
    public LogPath Rotated(string liveName) => new(directory, liveName, Source);

    public int WritePath(Span<char> buffer)
    {
        int length = directory.WritePath(buffer);
        buffer[length++] = '/';
        Name.CopyTo(buffer[length..]);
        return length + Name.Length;
    }

    /// <summary>The file that was at the path when we last looked; it may be shared with another path (hard or symbolic link).</summary>
    public TailedFile? Current { get; set; }

    /// <summary>The file that is not read on purpose, so that it is not opened again to find that out.</summary>
    public FileKey SkippedKey { get; set; }

    /// <summary>The last look at which <see cref="Current"/> was there: what came between is younger.</summary>
    public ClockReading? SeenAt { get; set; }

    /// <summary>
    /// The change of what it leads to does not show in its directory's modification time (symbolic or hard link, plain name, failed
    /// before): it is looked at in every full scan.
    /// </summary>
    public bool AlwaysLook { get; set; }

    public bool IsGone { get; set; }

    /// <summary>
    /// The last rotation, as long as a listing made within one tick of the file clock may have missed one of its generations.
    /// </summary>
    public Rotation? LastRotation { get; set; }
}

/// <param name="Older">The generation that was followed before.</param>
/// <param name="Since">When it was last seen at the path.</param>
/// <param name="FoundAt">When it was found to be there no more: for a moment from then on, generations between the two are searched for.</param>
internal sealed record Rotation(TailedFile? Older, ClockReading? Since, ClockReading FoundAt);
