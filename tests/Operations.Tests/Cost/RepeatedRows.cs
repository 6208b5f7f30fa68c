// A large bill that is made while it is read, so that tests of memory measure the reader and not the file.
using System.Text;

namespace LokiGateway.Operations.Tests.Cost;

/// <summary>A header and so many rows of 2,000 resources over 28 days.</summary>
internal sealed class RepeatedRows : Stream
{
    private const int Kinds = 2000;
    private readonly byte[][] _lines;
    private readonly long _rows;
    private long _row = -1;
    private byte[] _current;
    private int _at;

    public RepeatedRows(long rows)
    {
        _rows = rows;
        _current = Encoding.UTF8.GetBytes(FocusFile.Header + "\n");
        _lines = [.. Enumerable.Range(0, Kinds).Select(static i =>
            Encoding.UTF8.GetBytes(FocusFile.Line(FocusRow.On((i % 28) + 1, "1.25E-3", i % 2 == 0 ? "loki" : "shipper", i % 3 == 0 ? "ops" : "prod")
            with { ResourceId = $"arn:aws:s3:::acme-{i}" }) + "\n"))];
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        int filled = 0;
        while (filled < buffer.Length)
        {
            if (_at == _current.Length)
            {
                if (++_row == _rows) break;
                _current = _lines[_row % Kinds];
                _at = 0;
            }

            int piece = Math.Min(buffer.Length - filled, _current.Length - _at);
            _current.AsSpan(_at, piece).CopyTo(buffer[filled..]);
            _at += piece;
            filled += piece;
        }

        if (_row == _rows) _row--;
        return filled;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
