// A label out of a path that turns out to be a request id, or a job that starts a pod a minute, can make more streams than a Loki bears, and then every
// tenant on it suffers. This bounds what one source of one node can do.
namespace LokiGateway.Shipper.Label;

/// <summary>
/// The label sets that a source has now or had within the last hour (Loki keeps a stream open about as long), at most `max_streams`. Any thread.
/// </summary>
internal sealed class StreamCap(int streamsMax, TimeProvider time)
{
    /// <summary>A label set that no file has any more counts for this long.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromHours(1);

    /// <summary>When it is full, looking for forgotten ones is done this often at most.</summary>
    private static readonly TimeSpan PurgePause = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, Use> _sets = [];
    private long _purgedAt = time.GetTimestamp();

    private record struct Use(int Files, long LastAt);

    /// <summary>Whether a file with this label set (by its hash) may have it.</summary>
    /// <param name="set">Hash of the labels.</param>
    /// <param name="take">A file begins to use it, until <see cref="Leave"/>.</param>
    public bool Admit(ulong set, bool take)
    {
        long now = time.GetTimestamp();
        lock (_gate)
        {
            if (!_sets.TryGetValue(set, out Use use) && _sets.Count >= streamsMax && !MakeRoom(now)) return false;
            _sets[set] = new Use(use.Files + (take ? 1 : 0), now);
            return true;
        }
    }

    public void Leave(ulong set)
    {
        lock (_gate)
            if (_sets.TryGetValue(set, out Use use)) _sets[set] = new Use(Math.Max(0, use.Files - 1), time.GetTimestamp());
    }

    private bool MakeRoom(long now)
    {
        if (time.GetElapsedTime(_purgedAt, now) < PurgePause) return false;
        _purgedAt = now;
        foreach ((ulong set, Use use) in _sets)
            if (use.Files == 0 && time.GetElapsedTime(use.LastAt, now) >= Remembered) _sets.Remove(set);
        return _sets.Count < streamsMax;
    }
}
