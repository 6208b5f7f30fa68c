using System.Collections.Concurrent;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Discover;

/// <summary>
/// After a file was emptied in place: finds the copy that copytruncate made just before, and has read from it what nobody read from the
/// original; and the copies after that one, when the file was emptied several times between two looks. The lane waits for the answer, so
/// that the rest of the old lines comes before the first of the new ones.
/// </summary>
/// <remarks>
/// Not found, by the nature of copytruncate: what was written between the copying and the emptying; and the copy of a log that was empty at
/// our last look and was filled, copied and emptied before the next one, because nothing of what it held is known. The latter takes a
/// rotation within two seconds of the first line; after a downtime such copies are found by their age.
/// </remarks>
internal sealed class CopySearch(FileTable table, DepartedFiles departed, MissedGenerations missed, LossReport? lost, ILogger log)
{
    private readonly ConcurrentQueue<TailedFile> _requests = new();

    /// <summary>Any thread.</summary>
    public void Request(TailedFile file) => _requests.Enqueue(file);

    /// <summary>Scanner's thread.</summary>
    public void Run()
    {
        while (_requests.TryDequeue(out TailedFile? file))
        {
            TailedFile? copy = null;
            TailedFile? newest = null;
            try
            {
                if (file.Replaced is { } replaced) copy = Find(file, replaced);
                if (copy is not null) newest = FollowYounger(file, copy);
            }
            finally
            {
                file.EndCopySearch(copy, newest);
            }
        }
    }

    /// <summary>What was copied and emptied since then is there as copies only, of which nobody has read anything.</summary>
    private TailedFile FollowYounger(TailedFile file, TailedFile copy)
    {
        if (!copy.IsReleased) table.Dispatch(copy);
        if (file.Name is not LogPath path) return copy;
        missed.Follow(new MissedGenerations.Search(path, null, copy, null, null), out TailedFile? newest);
        return newest ?? copy;
    }

    private TailedFile? Find(TailedFile file, ReplacedContent replaced)
    {
        List<Generation> generations = GenerationChain.Of(file.LogicalPath, out _);
        for (int i = generations.Count - 1; i >= 0; i--)
        {
            Generation generation = generations[i];
            if ((generation.IsCompressed && !generation.IsGzip) || IsHeld(generation.Stat.Key)) continue;
            if (!generation.IsGzip && generation.Stat.Size < replaced.ReadOffset) continue;
            OpenedFile? opened = OpenedFile.TryOpenGeneration(generation, skipBinary: false, out _, out _);
            if (opened is null) continue;
            if (!CopyFinder.Holds(opened, replaced) || IsHeld(opened.Identity.Key))
            {
                opened.Handle.Dispose();
                continue;
            }
            return TakeUp(file, replaced, opened);
        }
        Log.NoCopyFound(log, file.CurrentPath, replaced.ReadOffset);
        if (replaced.KnownSize > replaced.ReadOffset)
        {
            lost?.Invoke(FileLoss.Of(file, replaced.ReadOffset, replaced.KnownSize, LossCause.TruncatedBeforeRead) with
            {
                Identity = replaced.Identity,
                LastRead = replaced.Acked.Frame,
            });
        }
        return null;
    }

    /// <summary>Only of a file that is held open is it certain that this is still its inode.</summary>
    private bool IsHeld(FileKey key) => table.TryGet(key, out TailedFile? known) && !known!.IsReleased;

    private TailedFile? TakeUp(TailedFile file, ReplacedContent replaced, OpenedFile copy)
    {
        table.Resume.DisplaceOther(copy, file.PathHash);
        var acked = new FilePosition(replaced.Acked.Offset, 0, replaced.Acked.Frame);
        if (copy.ContentLength == replaced.ReadOffset && acked.Offset == replaced.ReadOffset)
        {
            TailedFile read = table.Remember(copy, file.Name, file.Source, acked);
            departed.AddReleased(read);
            return read;
        }
        TailedFile rest = table.Follow(copy, file.Name, file.Source, acked, predecessor: null, replaced.ReadOffset);
        rest.IsSuperseded = true;
        departed.Add(rest, FileFate.Rotated);
        Log.CopyTakenUp(log, copy.Path, file.LogicalPath, replaced.ReadOffset, copy.ContentLength);
        return rest;
    }
}
