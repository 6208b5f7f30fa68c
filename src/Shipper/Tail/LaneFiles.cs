namespace LokiGateway.Shipper.Tail;

/// <summary>
/// The files of one lane in the order in which they are due: busy files on every pass, silent ones in turn, so often as a bounded number of
/// looks a second allows. A node with few containers hears of a new line in a quarter of a second; 10,000 silent files cost a fixed part
/// of a core and no burst. Lane thread only.
/// </summary>
internal sealed class LaneFiles(TimeProvider time)
{
    /// <summary>New lines in a silent file wait no longer than this, however many files there are.</summary>
    public static readonly TimeSpan RoundMax = TimeSpan.FromSeconds(2);

    /// <summary>More often than this a silent file is not looked at, however few there are.</summary>
    private static readonly TimeSpan RoundMin = TimeSpan.FromMilliseconds(250);

    /// <summary>A look is a statx and costs about a microsecond: a tenth of a percent of a core for each lane.</summary>
    private const int LooksPerSecond = 1_000;

    /// <summary>A file with data this recently is looked at on every pass: its writer is probably not finished.</summary>
    private static readonly TimeSpan BusyFor = TimeSpan.FromSeconds(1);

    private readonly List<TailedFile> _busy = [];
    private readonly Queue<TailedFile> _silent = [];
    private long _takenAt = time.GetTimestamp();
    private double _looksDue;

    /// <summary>A new file, or one that is held back: due at once.</summary>
    public void Add(TailedFile file) => _busy.Add(file);

    /// <summary>
    /// Moves the files to look at in this pass to <paramref name="due"/>. Each is given back by <see cref="Return"/> or let go.
    /// </summary>
    public void TakeDue(List<TailedFile> due)
    {
        due.AddRange(_busy);
        _busy.Clear();
        long now = time.GetTimestamp();
        double round = Math.Clamp(_silent.Count / (double)LooksPerSecond, RoundMin.TotalSeconds, RoundMax.TotalSeconds);
        _looksDue += _silent.Count * time.GetElapsedTime(_takenAt, now).TotalSeconds / round;
        _takenAt = now;
        if (_looksDue >= _silent.Count)
        {
            TakeSilent(due, _silent.Count);
            _looksDue = 0;
            return;
        }
        int looks = (int)_looksDue;
        TakeSilent(due, looks);
        _looksDue -= looks;
    }

    /// <summary>As <see cref="TakeDue"/>, but all of them: somebody waits for everything to be read (--once).</summary>
    public void TakeAll(List<TailedFile> due)
    {
        due.AddRange(_busy);
        _busy.Clear();
        TakeSilent(due, _silent.Count);
    }

    /// <summary>
    /// Gives a file back. <paramref name="busy"/> (it had data or is held back): due on the next pass; so is a file that had data within
    /// the last second. Else it waits for its turn.
    /// </summary>
    public void Return(TailedFile file, bool busy)
    {
        if (busy || (file.LastDataAt != 0 && time.GetElapsedTime(file.LastDataAt) < BusyFor)) _busy.Add(file);
        else _silent.Enqueue(file);
    }

    private void TakeSilent(List<TailedFile> due, int count)
    {
        for (; count > 0; count--) due.Add(_silent.Dequeue());
    }
}
