namespace LokiGateway.Shipper.Tail;

/// <summary>
/// The files of one lane in the order in which they are due: busy files on every pass, idle ones every second, long silent ones every
/// other second, spread evenly, so that 10,000 silent files cost 5,000 looks a second and no burst. Lane thread only.
/// </summary>
internal sealed class LaneFiles(TimeProvider time)
{
    /// <summary>A turn of the wheel on which idle files wait: new lines in a silent file wait no longer than this.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(2);

    /// <summary>Slots of the wheel, 20 ms each.</summary>
    private const int Slots = 100;

    /// <summary>A file with data this recently is looked at on every pass: its writer is probably not finished.</summary>
    private static readonly TimeSpan BusyFor = TimeSpan.FromSeconds(1);

    /// <summary>A file silent for longer than this is looked at once a turn, others twice.</summary>
    private static readonly TimeSpan LongSilence = TimeSpan.FromMinutes(1);

    private readonly List<TailedFile> _busy = [];
    private readonly List<TailedFile>[] _idle = NewWheel();
    private readonly long _startedAt = time.GetTimestamp();
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

    /// <summary>
    /// Moves the files to look at in this pass to <paramref name="due"/>. Each is given back by <see cref="Return"/> or let go.
    /// </summary>
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
    /// Gives a file back. <paramref name="busy"/> (it had data or is held back): due on the next pass; so is a file that had data within
    /// the last second. Else due within a turn, or within half of it.
    /// </summary>
    public void Return(TailedFile file, bool busy)
    {
        Count++;
        if (busy || (file.LastDataAt != 0 && time.GetElapsedTime(file.LastDataAt) < BusyFor))
        {
            _busy.Add(file);
            return;
        }
        // Every file has its place on the wheel, by its inode; one that spoke lately has the opposite place as well.
        int place = (int)((file.Identity.Inode * 0x9E3779B97F4A7C15 >> 32) % Slots);
        bool isLongSilent = time.GetElapsedTime(file.LastDataAt != 0 ? file.LastDataAt : _startedAt) >= LongSilence;
        if (!isLongSilent && (place - (_slot % Slots) + Slots) % Slots is 0 or > Slots / 2) place = (place + Slots / 2) % Slots;
        _idle[place].Add(file);
    }

    private static List<TailedFile>[] NewWheel()
    {
        var wheel = new List<TailedFile>[Slots];
        for (int i = 0; i < Slots; i++) wheel[i] = [];
        return wheel;
    }
}
