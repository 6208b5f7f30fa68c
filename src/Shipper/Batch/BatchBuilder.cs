// The open batch of one tenant in one lane. Entries are encoded straight into its buffer in the order in which they come; grouping them by stream, which
// the wire format wants, happens once per batch by copying runs.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Batch;

/// <summary>Lane only. Holds no buffer while it is empty.</summary>
internal sealed class BatchBuilder(BatchBuffers buffers, int batchBytesMax)
{
    /// <summary>A batch begins with a buffer of this size unless the last one was filled.</summary>
    private const int FirstBytes = 32 << 10;

    /// <summary>
    /// A batch of more parts is full: files whose entries jump between minutes from line to line must not make the account of a batch larger than the
    /// batch. Ten thousand files in one lane stay under it.
    /// </summary>
    private const int PartsMax = 16 << 10;

    private const long MinuteNanos = 60_000_000_000;

    /// <summary>Neighbouring entries of one stream in the buffer.</summary>
    private struct Run
    {
        public int Start;
        public int Length;
        public int Next;
    }

    private readonly List<BatchStream> _streams = [];
    private List<FileMark> _marks = [];
    private List<BatchPart> _parts = [];

    // The parts of the batch before: its sender is done with them when this one is sealed.
    private List<BatchPart> _sealedParts = [];

    // What was added or kept out since the last EndPart: whole minutes, and then _minute with the entries from _minuteFrom on.
    private readonly List<(long MinuteNanos, int Lines, string? KeptOutFor)> _minutes = [];
    private long _minute;
    private int _minuteFrom;
    private Run[] _runs = new Run[64];
    private int _runCount;
    private BatchStream? _current;
    private byte[] _buffer = [];
    private int _length;
    private int _headerBytes;

    // Invariant: _limit <= _buffer.Length and, once anything is in the batch, _limit + _headerBytes <= batchBytesMax.
    private int _limit;
    private bool _lastWasFull;

    // Bytes that the batch would have with the entry for which there was no buffer.
    private int _starvedFor;

    /// <summary>Entries in the batch.</summary>
    public int Lines { get; private set; }

    /// <summary>Streams that these belong to.</summary>
    public int Streams => _streams.Count;

    /// <summary>Time of the first entry, Unix nanoseconds.</summary>
    public long FirstUnixNanos { get; private set; }

    /// <summary>True after an entry did not fit because the batch has its size: seal it.</summary>
    public bool IsFull { get; private set; }

    /// <summary>True after an entry did not fit because all buffers are in use.</summary>
    public bool IsStarved { get; private set; }

    /// <summary>Whether a first buffer may only be taken when plenty are left: set while the tenant's sender is held up.</summary>
    public long KeepFree { get; set; }

    /// <summary>Whether that holds for a larger buffer, too: set while what was sent last fails again and again.</summary>
    public bool KeepsFreeToGrow { get; set; }

    /// <summary>Adds one entry; false: see <see cref="IsFull"/> and <see cref="IsStarved"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAdd(BatchStream stream, long unixNanos, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        int needed = PushWriter.EntryLengthMax(line.Length, metadata.Length);
        if ((needed > _limit - _length || !ReferenceEquals(stream, _current) || (ulong)(unixNanos - _minute) >= MinuteNanos)
            && !TryPrepare(stream, needed, unixNanos))
            return false;
        _length += PushWriter.WriteEntry(_buffer.AsSpan(_length), unixNanos, line, metadata);
        Lines++;
        return true;
    }

    /// <summary>After <see cref="IsStarved"/>: whether there is a buffer now that the entry fits into.</summary>
    public bool TryTakeBuffer() => !IsStarved || TryGrow(_starvedFor);

    /// <summary>After <see cref="IsStarved"/>: takes the smallest buffer that the entry fits into, beyond the bound of the pool if need be.</summary>
    public void TakeSmallBuffer() => Grow(buffers.RentForSealed(Math.Max(_starvedFor, FirstBytes)));

    /// <summary>Remembers how far a file is framed; the last mark of a file counts.</summary>
    public void Mark(TailedFile file, FilePosition position)
    {
        if (_marks.Count > 0 && ReferenceEquals(_marks[^1].File, file)) _marks[^1] = new FileMark(file, position);
        else _marks.Add(new FileMark(file, position));
    }

    /// <summary>An entry that is not sent, because Loki would refuse it for certain: it has its number and its minute all the same.</summary>
    public void KeepOut(long unixNanos, string reason)
    {
        EndMinute();
        long minute = MinuteOf(unixNanos);
        if (_minutes is [.., (var lastMinute, _, { } lastReason)] && lastMinute == minute && lastReason == reason)
            CollectionsMarshal.AsSpan(_minutes)[^1].Lines++;
        else _minutes.Add((minute, 1, reason));
    }

    /// <summary>Notes where all entries came from that were added or kept out since the last call.</summary>
    /// <param name="origin">Their origin.</param>
    /// <param name="keptOut">Takes the parts that are not in the batch.</param>
    /// <returns>How many are in the batch.</returns>
    public int EndPart(in PartOrigin origin, List<KeptOutPart> keptOut)
    {
        EndMinute();
        int entries = 0, batched = 0;
        foreach ((long minute, int count, string? reason) in _minutes)
        {
            var part = new BatchPart(origin with { FirstEntry = origin.FirstEntry + entries }, minute, count);
            entries += count;
            if (reason is not null)
            {
                keptOut.Add(new KeptOutPart(part, reason));
                continue;
            }
            batched += count;
            AddPart(part);
        }
        _minutes.Clear();
        return batched;
    }

    /// <summary>Compresses the push request, gives back the buffer and begins the next batch.</summary>
    /// <param name="block">Takes the request, compressed.</param>
    /// <param name="scratch">For <see cref="SnappyBlockWriter"/>.</param>
    /// <param name="requestBytes">The length of the request before compression.</param>
    /// <param name="marks">Now belong to the caller.</param>
    /// <returns>The length in <paramref name="block"/>.</returns>
    public int Seal(Span<byte> block, Span<byte> scratch, out int requestBytes, out List<FileMark> marks)
    {
        CloseRun();
        requestBytes = 0;
        foreach (BatchStream stream in _streams)
            requestBytes += PushWriter.StreamHeaderLength(stream.LabelsUtf8.Length, stream.EntriesBytes) + stream.EntriesBytes;
        var request = new SnappyBlockWriter(requestBytes, block, scratch);
        Span<byte> header = stackalloc byte[PushWriter.StreamHeaderStartBytesMax];
        foreach (BatchStream stream in _streams)
        {
            request.Write(header[..PushWriter.WriteStreamHeaderStart(header, stream.LabelsUtf8.Length, stream.EntriesBytes)]);
            request.Write(stream.LabelsUtf8);
            for (int run = stream.FirstRun; run >= 0; run = _runs[run].Next) request.Write(_buffer.AsSpan(_runs[run].Start, _runs[run].Length));
            stream.FirstRun = stream.LastRun = -1;
            stream.EntriesBytes = 0;
        }
        int written = request.Finish();
        marks = _marks;
        _marks = new List<FileMark>(Math.Max(4, Math.Min(marks.Count, 256)));
        (_sealedParts, _parts) = (_parts, _sealedParts);
        _parts.Clear();
        // Capacity for a burst of files is not kept for ever.
        if (_parts.Capacity > 1024 && _sealedParts.Count < 256) _parts.Capacity = 256;
        _minutes.Clear();
        _minuteFrom = 0;
        _lastWasFull = IsFull;
        _streams.Clear();
        buffers.Return(_buffer);
        _buffer = [];
        _runCount = _length = _limit = _headerBytes = Lines = 0;
        _current = null;
        IsFull = false;
        return written;
    }

    /// <summary>The parts of the batch that was sealed last; they are overwritten when the one after the next is.</summary>
    public IReadOnlyList<BatchPart> SealedParts => _sealedParts;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryPrepare(BatchStream stream, int needed, long unixNanos)
    {
        int header = stream.FirstRun < 0 && !ReferenceEquals(stream, _current) ? PushWriter.StreamHeaderLength(stream.LabelsUtf8.Length, batchBytesMax) : 0;
        if (Lines > 0 && (_length + needed + _headerBytes + header > batchBytesMax || _parts.Count + _minutes.Count >= PartsMax))
        {
            IsFull = true;
            return false;
        }
        if (_length + needed > _buffer.Length && !TryGrow(_length + needed)) return false;
        if (Lines == 0) FirstUnixNanos = unixNanos;
        _headerBytes += header;
        // The single entry that is larger than a whole batch gets one of its own.
        _limit = Math.Min(_buffer.Length, Math.Max(batchBytesMax - _headerBytes, _length + needed));
        if (!ReferenceEquals(stream, _current)) BeginRun(stream);
        if ((ulong)(unixNanos - _minute) >= MinuteNanos) BeginMinute(unixNanos);
        return true;
    }

    private void BeginMinute(long unixNanos)
    {
        EndMinute();
        _minute = MinuteOf(unixNanos);
    }

    /// <summary>The minute that <see cref="BatchPart"/> counts an entry in.</summary>
    public static long MinuteOf(long unixNanos)
    {
        long into = unixNanos % MinuteNanos;
        return unixNanos - (into < 0 ? into + MinuteNanos : into);
    }

    private void EndMinute()
    {
        if (Lines > _minuteFrom) _minutes.Add((_minute, Lines - _minuteFrom, null));
        _minuteFrom = Lines;
    }

    private void AddPart(in BatchPart part)
    {
        if (_parts.Count > 0)
        {
            ref BatchPart last = ref CollectionsMarshal.AsSpan(_parts)[^1];
            (PartOrigin before, PartOrigin origin) = (last.Origin, part.Origin);
            // The usual case: the next chunk of the same file.
            if (ReferenceEquals(before.File, origin.File) && before.Generation == origin.Generation && last.MinuteNanos == part.MinuteNanos
                && before.FirstEntry + last.Lines == origin.FirstEntry)
            {
                last = new BatchPart(origin with { FirstEntry = before.FirstEntry, FromByte = before.FromByte }, part.MinuteNanos, last.Lines + part.Lines);
                return;
            }
        }
        _parts.Add(part);
    }

    private bool TryGrow(int length)
    {
        bool isFirst = _buffer.Length == 0;
        int least = isFirst ? Math.Max(length, FirstBytes) : length;
        int wanted = isFirst && _lastWasFull ? Math.Max(least, Math.Min(batchBytesMax, buffers.Largest)) : least;
        long keepFree = isFirst || KeepsFreeToGrow ? KeepFree : 0;
        if ((buffers.TryRent(wanted, keepFree) ?? (wanted > least ? buffers.TryRent(least, keepFree) : null)) is not { } larger)
        {
            // A batch that cannot grow is sealed as it is: that, too, frees memory.
            if (Lines > 0) IsFull = true;
            else (IsStarved, _starvedFor) = (true, length);
            return false;
        }
        Grow(larger);
        return true;
    }

    private void Grow(byte[] larger)
    {
        IsStarved = false;
        _buffer.AsSpan(0, _length).CopyTo(larger);
        if (_buffer.Length > 0) buffers.Return(_buffer);
        _buffer = larger;
    }

    private void BeginRun(BatchStream stream)
    {
        CloseRun();
        if (_runCount == _runs.Length) Array.Resize(ref _runs, _runs.Length * 2);
        if (stream.FirstRun < 0)
        {
            stream.FirstRun = _runCount;
            _streams.Add(stream);
        }
        else _runs[stream.LastRun].Next = _runCount;
        stream.LastRun = _runCount;
        _runs[_runCount++] = new Run { Start = _length, Next = -1 };
        _current = stream;
    }

    private void CloseRun()
    {
        if (_current is null) return;
        ref Run run = ref _runs[_current.LastRun];
        run.Length = _length - run.Start;
        _current.EntriesBytes += run.Length;
    }
}
