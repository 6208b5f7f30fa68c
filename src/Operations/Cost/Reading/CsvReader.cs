// RFC 4180 over a stream of bytes, for files of many gigabytes: one buffer, no object a row, and the line and column of every field, because "row 1847233 is malformed"
// sends nobody to the right place. Bytes are UTF-8 and not decoded here; separators are ASCII, which no other character of UTF-8 contains.
using System.Buffers;

namespace LokiGateway.Operations.Cost.Reading;

/// <summary>
/// <c>while (true) { while (csv.TryRead()) …; if (!await csv.FillAsync(ct)) break; }</c>. Fields are valid until the next call. A record with a
/// <see cref="Fault"/> has no fields; reading goes on at the line after its first.
/// </summary>
internal sealed class CsvReader(Stream stream, int recordBytesMax = CsvReader.RecordBytesDefault) : IDisposable
{
    /// <summary>Tags and descriptions make rows of a few kilobytes; a record of more than this is a quote that was never closed.</summary>
    public const int RecordBytesDefault = 1 << 20;

    private const int BufferBytesMin = 256 * 1024;
    private const int FieldsMin = 96;

    private static readonly SearchValues<byte> EndsField = SearchValues.Create(",\"\r\n"u8);

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(BufferBytesMin, 2 * recordBytesMax));
    private byte[] _unescaped = [];
    private Field[] _fields = new Field[FieldsMin];
    private int _next;
    private int _filled;
    private int _recordStart;
    private int _fieldStart;
    private long _nextLine = 1;
    private bool _isAtEnd;
    private bool _isAtStart = true;
    private bool _isSkipping;

    private readonly record struct Field(int Start, int Length, bool IsQuoted, bool HasDoubledQuotes);

    /// <summary>Of the record that was read last.</summary>
    public int FieldCount { get; private set; }

    /// <summary>Line that the record begins on, from 1; a quoted field may reach over several.</summary>
    public long Line { get; private set; } = 1;

    /// <summary>What is wrong with the record and where; null when it has fields.</summary>
    public (string Message, long Line, long Column)? Fault { get; private set; }

    /// <summary>A field without its quotes. Valid until the next field with doubled quotes is asked for, or the next record read.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)FieldCount);
            Field field = _fields[index];
            ReadOnlySpan<byte> raw = _buffer.AsSpan(field.Start, field.Length);
            return field.HasDoubledQuotes ? Unescape(raw) : raw;
        }
    }

    /// <summary>Line and column of a field's first character. Counts characters, as editors do; slow, for messages.</summary>
    public (long Line, long Column) PositionOf(int index)
    {
        Field field = _fields[index];
        return PositionOfByte(field.IsQuoted ? field.Start - 1 : field.Start);
    }

    /// <summary>The next record that is wholly in the buffer; false when more has to be read first, or when there is no more.</summary>
    public bool TryRead()
    {
        if (_isAtStart && !SkipPreamble()) return false;
        if (_isSkipping && !SkipOn()) return false;
        while (true)
        {
            if (_next == _filled) return false;
            Fault = null;
            FieldCount = 0;
            _recordStart = _next;
            Line = _nextLine;
            Outcome outcome = Scan();
            if (outcome == Outcome.NeedsMore && !_isAtEnd && _filled - _recordStart <= recordBytesMax)
            {
                _next = _recordStart;
                _nextLine = Line;
                return false;
            }

            if (outcome == Outcome.NeedsMore)
            {
                (long line, long column) = PositionOfByte(_fieldStart);
                Fault = (_isAtEnd ? "a quote is opened here and never closed" : $"the row is longer than {recordBytesMax} bytes: is a quote not closed?", line, column);
            }

            if (Fault is not null)
            {
                SkipLine();
                FieldCount = 0;
                return true;
            }

            // A line without anything, such as the last one of a file that was edited by hand.
            if (FieldCount == 1 && _fields[0] is { Length: 0, IsQuoted: false }) continue;
            return true;
        }
    }

    /// <summary>Reads on; false when the stream is at its end and everything was read.</summary>
    public async ValueTask<bool> FillAsync(CancellationToken ct)
    {
        if (_isAtEnd) return false;
        _buffer.AsSpan(_next, _filled - _next).CopyTo(_buffer);
        _filled -= _next;
        _next = 0;
        int read = await stream.ReadAsync(_buffer.AsMemory(_filled), ct);
        _filled += read;
        _isAtEnd = read == 0;
        return !_isAtEnd || _filled > 0;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private enum Outcome
    {
        Complete,
        NeedsMore,
    }

    private bool SkipPreamble()
    {
        if (_filled < 3 && !_isAtEnd) return false;
        _isAtStart = false;
        if (_buffer.AsSpan(0, _filled).StartsWith("\uFEFF"u8)) _next = 3;
        return true;
    }

    private Outcome Scan()
    {
        ReadOnlySpan<byte> buffer = _buffer.AsSpan(0, _filled);
        int at = _next;
        while (true)
        {
            _fieldStart = at;
            if (at < buffer.Length && buffer[at] == (byte)'"')
            {
                int closing = ScanQuoted(buffer, at + 1);
                if (closing < 0) return Outcome.NeedsMore;
                at = closing + 1;
                if (at == buffer.Length)
                {
                    if (!_isAtEnd) return Outcome.NeedsMore;
                }
                else if (buffer[at] is not ((byte)',' or (byte)'\r' or (byte)'\n'))
                {
                    (long line, long column) = PositionOfByte(at);
                    Fault = ("a field goes on after its closing quote; a quote inside of it has to be doubled", line, column);
                    return Outcome.Complete;
                }
            }
            else
            {
                int length = buffer[at..].IndexOfAny(EndsField);
                if (length < 0)
                {
                    if (!_isAtEnd) return Outcome.NeedsMore;
                    length = buffer.Length - at;
                }
                else if (buffer[at + length] == (byte)'"')
                {
                    (long line, long column) = PositionOfByte(at + length);
                    Fault = ("a quote stands inside of a field that is not quoted", line, column);
                    return Outcome.Complete;
                }

                AddField(new Field(at, length, false, false));
                at += length;
            }

            if (at == buffer.Length)
            {
                _next = at;
                return Outcome.Complete;
            }

            switch (buffer[at])
            {
                case (byte)',':
                    at++;
                    continue;
                case (byte)'\r' when at + 1 == buffer.Length && !_isAtEnd:
                    return Outcome.NeedsMore;
                case (byte)'\r' when at + 1 < buffer.Length && buffer[at + 1] == (byte)'\n':
                    at++;
                    break;
                default:
                    break;
            }

            _next = at + 1;
            _nextLine++;
            return Outcome.Complete;
        }
    }

    /// <summary>Where the closing quote is, or -1.</summary>
    private int ScanQuoted(ReadOnlySpan<byte> buffer, int start)
    {
        bool doubled = false;
        int at = start;
        while (true)
        {
            int quote = buffer[at..].IndexOf((byte)'"');
            if (quote < 0) return -1;
            at += quote;
            if (at + 1 == buffer.Length && !_isAtEnd) return -1;
            if (at + 1 < buffer.Length && buffer[at + 1] == (byte)'"')
            {
                doubled = true;
                at += 2;
                continue;
            }

            ReadOnlySpan<byte> content = buffer[start..at];
            _nextLine += content.Count((byte)'\n');
            AddField(new Field(start, content.Length, true, doubled));
            return at;
        }
    }

    private void AddField(Field field)
    {
        if (FieldCount == _fields.Length) Array.Resize(ref _fields, 2 * _fields.Length);
        _fields[FieldCount++] = field;
    }

    private void SkipLine()
    {
        _next = _recordStart;
        _nextLine = Line;
        SkipOn();
    }

    /// <summary>To the next line; false when its beginning has not been read yet.</summary>
    private bool SkipOn()
    {
        int end = _buffer.AsSpan(_next, _filled - _next).IndexOf((byte)'\n');
        _isSkipping = end < 0 && !_isAtEnd;
        _next = end < 0 ? _filled : _next + end + 1;
        if (end >= 0) _nextLine++;
        return !_isSkipping;
    }

    private ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> raw)
    {
        if (_unescaped.Length < raw.Length) _unescaped = new byte[Math.Max(raw.Length, 4096)];
        int to = 0;
        while (raw.IndexOf((byte)'"') is >= 0 and var quote)
        {
            raw[..(quote + 1)].CopyTo(_unescaped.AsSpan(to));
            to += quote + 1;
            raw = raw[(quote + 2)..];
        }

        raw.CopyTo(_unescaped.AsSpan(to));
        return _unescaped.AsSpan(0, to + raw.Length);
    }

    private (long Line, long Column) PositionOfByte(int at)
    {
        ReadOnlySpan<byte> before = _buffer.AsSpan(_recordStart, at - _recordStart);
        int newline = before.LastIndexOf((byte)'\n');
        // Characters are the bytes that do not continue one.
        long column = 1;
        foreach (byte value in before[(newline + 1)..])
        {
            if ((value & 0xC0) != 0x80) column++;
        }

        return (Line + before.Count((byte)'\n'), column);
    }
}
