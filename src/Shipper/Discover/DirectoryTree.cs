using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// The directories in which something may match, and what was found there. A full refresh asks each for its modification time and lists
/// only those that changed, so that a second of a quiet node with 10,000 pods costs 20,000 stat calls and not as many listings.
/// </summary>
internal sealed class DirectoryTree
{
    /// <summary>Below this depth nothing is looked for: the kernel takes no longer path than 4096 bytes either.</summary>
    private const int PathCharsMax = 4096;

    /// <summary>
    /// Names seen first are shared; later ones have a string of their own, so that names that never come again cannot fill the memory.
    /// </summary>
    private const int CommonNamesMax = 1024;

    private readonly DirectoryNode _root;
    private readonly DirectoryWatch? _watch;
    private readonly SkippedFiles _skipped;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly HashSet<LogPath> _alwaysLook = [];
    private readonly HashSet<string> _commonNames = new(StringComparer.Ordinal);
    private readonly char[] _path = new char[PathCharsMax + 256];

    public DirectoryTree(IReadOnlyList<LogSource> sources, DirectoryWatch? watch, SkippedFiles skipped, TimeProvider time, ILogger log)
    {
        (_watch, _skipped, _time, _log) = (watch, skipped, time, log);
        _root = new DirectoryNode(null, "", new GlobStatesTable(sources).Root);
    }

    /// <summary>
    /// Paths to look at after a refresh: new ones, those whose directory changed, and those whose change does not show there.
    /// </summary>
    public List<LogPath> Changed { get; } = [];

    /// <summary>Paths that were there and are not any more.</summary>
    public List<LogPath> Vanished { get; } = [];

    public int Directories { get; private set; }

    /// <summary>Every directory.</summary>
    public void Refresh()
    {
        Changed.Clear();
        Vanished.Clear();
        Directories = 0;
        Refresh(_root, 0);
        foreach (LogPath path in _alwaysLook) Changed.Add(path);
    }

    /// <summary>Only those that the kernel has named.</summary>
    public void Refresh(IReadOnlyCollection<DirectoryNode> changed)
    {
        Changed.Clear();
        Vanished.Clear();
        foreach (DirectoryNode node in changed)
        {
            if (node.IsDetached) continue;
            node.Modified.Distrust();
            Refresh(node, node.WritePath(_path));
        }
    }

    /// <summary>Keeps a path under observation whose change does not show in its directory, or ends that.</summary>
    public void SetAlwaysLook(LogPath path, bool always)
    {
        if (path.AlwaysLook == always) return;
        path.AlwaysLook = always;
        if (always) _alwaysLook.Add(path);
        else _alwaysLook.Remove(path);
    }

    private void Refresh(DirectoryNode node, int length)
    {
        int errno = FileStat.OfPath(length == 0 ? "/" : _path.AsSpan(0, length), out FileStat stat);
        if (errno != 0 || !stat.IsDirectory)
        {
            if (errno != 0 && !Errno.MeansGone(errno)) ReportUnreadable(node, Errno.Text(errno));
            Empty(node);
            return;
        }
        Directories++;
        if (node.States.IsLiteral) FollowNames(node, length);
        else if (node.Key != stat.Key || !node.Modified.IsTrusted(stat.ModifiedNanos))
            List(node, length, stat);
        foreach (DirectoryNode child in node.Directories)
        {
            if (length + 1 + child.Name.Length > PathCharsMax) continue;
            _path[length] = '/';
            child.Name.CopyTo(_path.AsSpan(length + 1));
            Refresh(child, length + 1 + child.Name.Length);
        }
    }

    /// <summary>
    /// A directory in which only plain names are looked for: they are there for ever, existing or not, and are looked at directly.
    /// </summary>
    private void FollowNames(DirectoryNode node, int length)
    {
        if (node.Directories.Length + node.Files.Length > 0) return;
        var files = new List<LogPath>();
        var directories = new List<DirectoryNode>();
        foreach (GlobState state in node.States.States)
        {
            string name = state.Current.Literal!;
            string path = string.Concat(_path.AsSpan(0, length), "/", name);
            if (state.IsLast)
            {
                if (files.Exists(f => f.Path == path) || node.States.SourceOf(name, path) is not { } source) continue;
                var file = new LogPath(node, name, source, isPlainName: true);
                files.Add(file);
                SetAlwaysLook(file, true);
            }
            else if (!directories.Exists(d => d.Name == name) && node.States.Enter(name, path, isLink: false) is { } states)
            {
                directories.Add(new DirectoryNode(node, name, states));
            }
        }
        (node.Files, node.Directories) = ([.. files], [.. directories]);
    }

    private void List(DirectoryNode node, int length, in FileStat stat)
    {
        long began = _time.GetTimestamp();
        // The watch first: what is created between it and the listing is then seen by one of them.
        if (node.Key != stat.Key && node.Watch != 0) _watch?.Remove(node);
        if (node.Watch == 0) _watch?.Add(node, length == 0 ? "/" : new string(_path.AsSpan(0, length)));
        node.Key = stat.Key;
        var files = new List<LogPath>(node.Files.Length);
        var directories = new List<DirectoryNode>(node.Directories.Length);
        Dictionary<string, LogPath>.AlternateLookup<ReadOnlySpan<char>> oldFiles =
            node.Files.ToDictionary(f => f.Name, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        Dictionary<string, DirectoryNode>.AlternateLookup<ReadOnlySpan<char>> oldDirectories =
            node.Directories.ToDictionary(d => d.Name, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        try
        {
            DirectoryListing.Visit(length == 0 ? "/" : new string(_path.AsSpan(0, length)), (name, isDirectory) =>
            {
                if (length + 1 + name.Length > PathCharsMax) return;
                _path[length] = '/';
                name.CopyTo(_path.AsSpan(length + 1));
                ReadOnlySpan<char> path = _path.AsSpan(0, length + 1 + name.Length);
                if (isDirectory)
                {
                    if (oldDirectories.Remove(name, out _, out DirectoryNode? known)) directories.Add(known);
                    else if (EnterNew(node, name, path) is { } entered) directories.Add(entered);
                }
                else if (oldFiles.Remove(name, out _, out LogPath? known))
                {
                    files.Add(known);
                }
                else if (node.States.SourceOf(name, path) is { } source)
                {
                    files.Add(new LogPath(node, NameOf(name), source));
                }
            });
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // What was known stays known: a directory that cannot be read for a moment has not lost its files.
            if (!Errno.MeansGone(Errno.Of(failure))) ReportUnreadable(node, failure.Message);
            node.Modified.Distrust();
            return;
        }
        if (node.WasUnreadable) _skipped.Remove(node.ToString());
        node.WasUnreadable = false;
        foreach (LogPath gone in oldFiles.Dictionary.Values) Vanish(gone);
        foreach (DirectoryNode gone in oldDirectories.Dictionary.Values) Detach(gone);
        (node.Files, node.Directories) = ([.. files], [.. directories]);
        // A path that is always looked at comes with those.
        foreach (LogPath file in files) if (!file.AlwaysLook) Changed.Add(file);
        node.Modified.Read(stat.ModifiedNanos, _time, began);
    }

    /// <summary>10,000 pods have a "0.log" each, and few names of containers: one string for all of them.</summary>
    private string NameOf(ReadOnlySpan<char> name)
    {
        HashSet<string>.AlternateLookup<ReadOnlySpan<char>> lookup = _commonNames.GetAlternateLookup<ReadOnlySpan<char>>();
        if (lookup.TryGetValue(name, out string? known)) return known;
        string fresh = name.ToString();
        if (_commonNames.Count < CommonNamesMax) _commonNames.Add(fresh);
        return fresh;
    }

    private DirectoryNode? EnterNew(DirectoryNode node, ReadOnlySpan<char> name, ReadOnlySpan<char> path)
    {
        if (node.States.LooksLikeFile(name) && node.States.SourceOf(name, path) is { } source)
            _skipped.Add(path.ToString(), source, SkipReason.IsDirectory, $"is a directory; to read what is in it, add {path}/**");
        bool isLink = node.States.HasAnyDepth && (FileStat.OfPath(path, out FileStat stat, followLinks: false) != 0 || stat.IsLink);
        return node.States.Enter(name, path, isLink) is { } states ? new DirectoryNode(node, NameOf(name), states) : null;
    }

    private void Empty(DirectoryNode node)
    {
        if (node.Watch != 0) _watch?.Remove(node);
        node.Key = default;
        node.Modified.Distrust();
        if (node.States.IsLiteral)
        {
            // The names stay, but the directories under them have nothing any more.
            foreach (DirectoryNode child in node.Directories) Empty(child);
            return;
        }
        foreach (LogPath file in node.Files) Vanish(file);
        foreach (DirectoryNode child in node.Directories) Detach(child);
        (node.Files, node.Directories) = ([], []);
    }

    private void Detach(DirectoryNode node)
    {
        Empty(node);
        foreach (LogPath file in node.Files) Vanish(file);
        foreach (DirectoryNode child in node.Directories) Detach(child);
        node.IsDetached = true;
    }

    private void Vanish(LogPath path)
    {
        path.IsGone = true;
        SetAlwaysLook(path, false);
        Vanished.Add(path);
    }

    private void ReportUnreadable(DirectoryNode node, string error)
    {
        if (node.WasUnreadable) return;
        node.WasUnreadable = true;
        string path = node.ToString();
        _skipped.Add(path, node.States.States[0].Source, SkipReason.PermissionDenied, $"the directory cannot be read: {error}");
        Log.DirectoryUnreadable(_log, path, error);
    }
}
