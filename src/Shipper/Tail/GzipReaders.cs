using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Tail;

/// <summary>
/// The compressed generations that a lane reads just now. After a downtime there may be thousands to read; each that is open costs a third
/// of a megabyte, so a lane has a few at a time and the others wait. Lane only.
/// </summary>
internal sealed class GzipReaders(TimeProvider time) : IDisposable
{
    /// <summary>Two tenants can catch up side by side; 4 lanes of them stay under 3 MiB.</summary>
    private const int OpenMax = 2;

    /// <summary>A file that is held up (its tenant's sender is busy) loses its place after this; to come back costs decompressing it again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly List<Entry> _open = [];

    /// <summary>The reader of a file; null: others are being read.</summary>
    public GzipReader? TryUse(TailedFile file, SafeFileHandle handle)
    {
        long now = time.GetTimestamp();
        Entry? entry = _open.Find(e => ReferenceEquals(e.File, file));
        if (entry is null)
        {
            if (_open.Count >= OpenMax && !TryMakeRoom(now)) return null;
            _open.Add(entry = new Entry(file, new GzipReader(handle)));
        }
        entry.UsedAt = now;
        return entry.Reader;
    }

    public void Close(TailedFile file)
    {
        int index = _open.FindIndex(e => ReferenceEquals(e.File, file));
        if (index < 0) return;
        _open[index].Reader.Dispose();
        _open.RemoveAt(index);
    }

    public void Dispose()
    {
        foreach (Entry entry in _open) entry.Reader.Dispose();
        _open.Clear();
    }

    private bool TryMakeRoom(long now)
    {
        int index = _open.FindIndex(e => time.GetElapsedTime(e.UsedAt, now) >= Patience);
        if (index < 0) return false;
        _open[index].Reader.Dispose();
        _open.RemoveAt(index);
        return true;
    }

    private sealed class Entry(TailedFile file, GzipReader reader)
    {
        public TailedFile File { get; } = file;

        public GzipReader Reader { get; } = reader;

        public long UsedAt { get; set; }
    }
}
