using System.Collections.Concurrent;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// The list of what matches and is not read, with reasons. Each is logged once, when it gets on the list. Written by the scanner, read by
/// anybody.
/// </summary>
internal sealed class SkippedFiles(ILogger log)
{
    private readonly ConcurrentDictionary<string, SkippedFile> _files = new(StringComparer.Ordinal);

    public int Count => _files.Count;

    public IReadOnlyCollection<SkippedFile> All => (IReadOnlyCollection<SkippedFile>)_files.Values;

    public bool Contains(string path, SkipReason reason) => _files.TryGetValue(path, out SkippedFile? skipped) && skipped.Reason == reason;

    public void Add(string path, LogSource source, SkipReason reason, string detail)
    {
        if (Contains(path, reason)) return;
        _files[path] = new SkippedFile(path, source.Index, reason, detail);
        // What somebody must act upon is a warning; a binary file in a tree that was given whole is not.
        if (reason is SkipReason.PermissionDenied or SkipReason.TooManyOpenFiles or SkipReason.OpenFailed or SkipReason.NameNotUtf8)
            Log.SkippedForTrouble(log, path, detail);
        else Log.Skipped(log, path, detail);
    }

    /// <summary>
    /// Once in a while: what does not exist any more needs no reason. (Files leave the list when their path vanishes; directories do
    /// here.)
    /// </summary>
    public void ForgetGone()
    {
        foreach (string path in _files.Keys)
            if (FileStat.OfPath(path, out _, followLinks: false) is var errno && errno != 0 && Errno.MeansGone(errno) &&
                !path.Contains('\uFFFD'))
                Remove(path);
    }

    public void Remove(string path) => _files.TryRemove(path, out _);
}
