// An entry of several lines whose end is not known yet.
namespace LokiGateway.Shipper.Frame;

/// <summary>
/// The lines so far of one stream of one file. As with the parts of a line (<see cref="PartialLine"/>), the file's position stays in front of the first line
/// until the block is complete and acknowledged: <see cref="Offset"/>, <see cref="ClockBefore"/> and <see cref="FlagsBefore"/> are that position. Lane only.
/// </summary>
internal sealed class MultiLineBlock
{
    /// <summary>A larger buffer is not kept for the next block: that one is rarely as long.</summary>
    private const int KeptBytes = 16 << 10;

    private byte[] _bytes = [];
    private int _length;
    private OpenLineMemory? _memory;

    public bool IsOpen => Lines > 0;

    public int Lines { get; private set; }

    public int Length => _length;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Where framing must begin again to see the first line (or its first part).</summary>
    public long Offset { get; private set; }

    /// <summary>The stream's clock at <see cref="Offset"/>.</summary>
    public EntryClock ClockBefore { get; private set; }

    public FrameFlags FlagsBefore { get; private set; }

    /// <summary>The time that the entry goes out with: its first line's.</summary>
    public long UnixNanos { get; private set; }

    /// <summary>The time that its last line says.</summary>
    public long LastUnixNanos { get; private set; }

    /// <summary>Its only line was cut: nothing can be joined to it.</summary>
    public bool IsTruncated { get; private set; }

    public bool IsRepaired { get; private set; }

    /// <summary>When a line was last added, TimeProvider timestamp; 0: since the last <see cref="Touch"/>.</summary>
    public long TouchedAt { get; private set; }

    public bool HasRoomFor(int lineLength, OpenLineMemory memory) =>
        memory.HasRoomFor(_bytes, IsOpen ? _length + 1 + lineLength : lineLength);

    public void Open(long offset, EntryClock clockBefore, FrameFlags flagsBefore, long unixNanos)
    {
        (Offset, ClockBefore, FlagsBefore, UnixNanos) = (offset, clockBefore, flagsBefore, unixNanos);
        (_length, IsTruncated, IsRepaired) = (0, false, false);
    }

    public void Add(ReadOnlySpan<byte> line, long unixNanos, bool truncated, bool repaired, OpenLineMemory memory)
    {
        int at = IsOpen ? _length + 1 : 0;
        int needed = at + line.Length;
        _memory = memory;
        memory.Grow(ref _bytes, _length, needed);
        if (IsOpen) _bytes[_length] = (byte)'\n';
        line.CopyTo(_bytes.AsSpan(at));
        _length = needed;
        Lines++;
        LastUnixNanos = unixNanos;
        IsTruncated |= truncated;
        IsRepaired |= repaired;
        TouchedAt = 0;
    }

    /// <summary>Its lines went to the sink. A buffer of ordinary size stays for the next block, which mostly follows at once.</summary>
    public void Close()
    {
        Lines = 0;
        if (_bytes.Length > KeptBytes) Release();
    }

    /// <summary>Closed, and no other is expected soon.</summary>
    public void Release()
    {
        Lines = 0;
        _memory?.Return(ref _bytes);
        _length = 0;
    }

    /// <summary>Notes the time of what was added since the last call.</summary>
    public void Touch(long now)
    {
        if (IsOpen && TouchedAt == 0) TouchedAt = now;
    }
}
