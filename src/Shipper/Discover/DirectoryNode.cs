using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// What we remember of one directory. There may be tens of thousands, so names are kept and paths are put together when needed.
/// </summary>
internal sealed class DirectoryNode(DirectoryNode? parent, string name, GlobStates states)
{
    /// <summary>Room for any path that the walk makes: PATH_MAX of linux/limits.h, and one more name.</summary>
    public const int PathCharsMax = 4096 + 256;

    private ModifiedTime _modified;

    public DirectoryNode? Parent { get; } = parent;

    public string Name { get; } = name;

    public GlobStates States { get; } = states;

    public FileKey Key { get; set; }

    /// <summary>As it was when it was listed.</summary>
    public ref ModifiedTime Modified => ref _modified;

    public DirectoryNode[] Directories { get; set; } = [];

    public LogPath[] Files { get; set; } = [];

    /// <summary>inotify watch descriptor, 0 = none.</summary>
    public int Watch { get; set; }

    /// <summary>It was found missing or its parent let it go.</summary>
    public bool IsDetached { get; set; }

    public bool WasUnreadable { get; set; }

    /// <summary>Writes the path and returns its length; the root writes nothing, so that appending "/name" always works.</summary>
    public int WritePath(Span<char> buffer)
    {
        if (Parent is null) return 0;
        int length = Parent.WritePath(buffer);
        buffer[length++] = '/';
        Name.CopyTo(buffer[length..]);
        return length + Name.Length;
    }

    public override string ToString()
    {
        Span<char> buffer = stackalloc char[PathCharsMax];
        int length = WritePath(buffer);
        return length == 0 ? "/" : new string(buffer[..length]);
    }
}
