using System.IO.Compression;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Tail;

internal enum GzipReadKind
{
    /// <summary>Bytes were copied.</summary>
    Data,

    /// <summary>The offset is not reached yet: come again. (Nothing can be skipped in a deflate stream without decompressing it.)</summary>
    OnTheWay,

    /// <summary>The content ends before the offset.</summary>
    End,

    /// <summary>It ends there because the rest cannot be decompressed.</summary>
    Damaged,
}

/// <summary>
/// Reads the content of a compressed generation at an offset, as if it were a file: forward cheaply, back by beginning again. Holds what
/// was decompressed and not consumed, so that a lane may drop its pipe at any time. Lane only; does not own the handle.
/// </summary>
internal sealed class GzipReader(SafeFileHandle handle) : IDisposable
{
    /// <summary>What one call decompresses on its way to the offset: some ten milliseconds.</summary>
    private const int StepBytes = 4 << 20;

    private GZipStream _inflating = Open(handle);
    private byte[] _window = [];

    // _window holds the content of [_start, _end); the stream stands at _inflated, below _end only on the way back to it.
    private long _start;
    private long _end;
    private long _inflated;
    private bool _byteByByte;
    private bool _ended;
    private string? _damage;

    /// <summary>Why it ended, after <see cref="GzipReadKind.Damaged"/>.</summary>
    public string Damage => _damage ?? "";

    /// <summary>The end of what could be decompressed so far.</summary>
    public long Position => _end;

    /// <param name="keepFrom">Bytes from here on may be asked for again.</param>
    /// <param name="offset">Where to read; not below <paramref name="keepFrom"/>.</param>
    /// <param name="destination">Takes the bytes.</param>
    /// <param name="read">How many.</param>
    public GzipReadKind Read(long keepFrom, long offset, Span<byte> destination, out int read)
    {
        read = 0;
        if (keepFrom < _start) Rewind(keepFrom);
        for (long done = 0; done < StepBytes;)
        {
            if (offset < _end)
            {
                read = (int)Math.Min(destination.Length, _end - offset);
                _window.AsSpan((int)(offset - _start), read).CopyTo(destination);
                return GzipReadKind.Data;
            }
            if (_ended) return _damage is null ? GzipReadKind.End : GzipReadKind.Damaged;
            done += Advance(keepFrom, (int)(offset - keepFrom) + destination.Length);
        }
        return GzipReadKind.OnTheWay;
    }

    public void Dispose() => _inflating.Dispose();

    private void Rewind(long to)
    {
        _inflating.Dispose();
        _inflating = Open(handle);
        (_start, _end, _inflated, _ended, _damage) = (to, to, 0, false, null);
    }

    /// <summary>Decompresses a piece. Returns how many bytes that were.</summary>
    private int Advance(long keepFrom, int windowBytes)
    {
        if (_window.Length < windowBytes) Array.Resize(ref _window, windowBytes);
        Span<byte> space;
        if (_inflated < _end)
        {
            // On the way back to where it was; the window is empty or must stay.
            Span<byte> skipped = stackalloc byte[16 << 10];
            int done = Inflate(skipped[..(int)Math.Min(skipped.Length, _end - _inflated)]);
            if (done == 0) _ended = true;
            _inflated += done;
            return Math.Max(done, 1);
        }
        if (_end == _start && keepFrom > _end)
        {
            // Nothing before keepFrom is wanted.
            space = _window.AsSpan(0, (int)Math.Min(_window.Length, keepFrom - _end));
            int done = Inflate(space);
            if (!_ended) (_start, _end, _inflated) = (_start + done, _end + done, _inflated + done);
            return Math.Max(done, 1);
        }
        Keep(keepFrom);
        space = _window.AsSpan((int)(_end - _start));
        int read = 0;
        if (!_byteByByte) read = Inflate(space);
        else while (read < space.Length && !_ended) read += Inflate(space.Slice(read, 1));
        _end += read;
        _inflated += read;
        return Math.Max(read, 1);
    }

    private void Keep(long from)
    {
        int dropped = (int)Math.Min(from - _start, _end - _start);
        if (dropped <= 0) return;
        _window.AsSpan(dropped, (int)(_end - _start) - dropped).CopyTo(_window);
        _start += dropped;
    }

    private int Inflate(Span<byte> destination)
    {
        try
        {
            int read = _inflating.Read(destination);
            if (read == 0) _ended = true;
            return read;
        }
        catch (InvalidDataException failure)
        {
            if (_byteByByte)
            {
                (_ended, _damage) = (true, failure.Message);
                return 0;
            }
            // With the exception the good bytes in front of the damage are gone: once more, and from here on byte by byte.
            _byteByByte = true;
            _inflating.Dispose();
            _inflating = Open(handle);
            _inflated = 0;
            return 0;
        }
    }

    private static GZipStream Open(SafeFileHandle handle) => new(new HandleStream(handle), CompressionMode.Decompress);
}
