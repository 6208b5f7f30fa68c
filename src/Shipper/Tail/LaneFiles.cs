namespace LokiGateway.Shipper.Tail;

/// <summary>
/// The files of one lane in the order in which they are due: busy files on every pass, idle ones once a second, spread over the second, so
/// that 10,000 idle files cost 10,000 looks a second and no burst. Lane thread only.
/// </summary>
internal sealed class LaneFiles(TimeProvider time)
{
    /// <summary>Slots of the wheel on which idle files wait: 20 ms each.</summary>
    private const int Slots = 50;

    /// <summary>Idle files are looked at once per turn: new lines in a silent file wait no longer than this.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);

    private readonly List<TailedFile> _busy = [];
    private readonly List<TailedFile>[] _idle = NewWheel();
    private readonly long _slotTicks = Math.Max(1, (long)(Turn.TotalSeconds * time.TimestampFrequency / Slots));
    private long _slot = -1;

    /// <summary>Files that are here, not those that were taken.</summary>
    public int Count { get; private set; }

    /// <summary>A new file, or one that is held back: due at once.</summary>
    public void Add(TailedFile file)
    {
        _busy.Add(file);
        Count++;
    }

    /// <summary>Moves the files to look at in this pass to <paramref name="due"/>. Each is given back by <see cref="Return"/> or let go.</summary>
    public void TakeDue(List<TailedFile> due)
    {
        int before = due.Count;
        due.AddRange(_busy);
        _busy.Clear();
        long slot = time.GetTimestamp() / _slotTicks;
        if (_slot < 0) _slot = slot - Slots;
        for (long passed = Math.Max(_slot + 1, slot - Slots + 1); passed <= slot; passed++)
        {
            List<TailedFile> waiting = _idle[(int)(passed % Slots)];
            due.AddRange(waiting);
            waiting.Clear();
        }
        _slot = slot;
        Count -= due.Count - before;
    }

    /// <summary>As <see cref="TakeDue"/>, but all of them: somebody waits for everything to be read (--once).</summary>
    public void TakeAll(List<TailedFile> due)
    {
        int before = due.Count;
        due.AddRange(_busy);
        _busy.Clear();
        foreach (List<TailedFile> waiting in _idle)
        {
            due.AddRange(waiting);
            waiting.Clear();
        }
        Count -= due.Count - before;
    }

    /// <summary>
    /// Gives a file back. <paramref name="busy"/> (it had data or is held back): due on the next pass; so is a file that had data within the
    /// last second, whose writer is probably not finished. Else due within a second.
    /// </summary>
    public void Return(TailedFile file, bool busy)
    {
        Count++;
        if (busy || (file.LastDataAt != 0 && time.GetElapsedTime(file.LastDataAt) < Turn)) _busy.Add(file);
        else _idle[(int)((file.Identity.Inode * 0x9E3779B97F4A7C15 >> 32) % Slots)].Add(file);
    }

    private static List<TailedFile>[] NewWheel()
    {
        var wheel = new List<TailedFile>[Slots];
        for (int i = 0; i < Slots; i++) wheel[i] = [];
        return wheel;
    }
}
