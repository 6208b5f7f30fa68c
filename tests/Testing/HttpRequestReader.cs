// The smallest reader of HTTP/1.1 requests that FaultSink needs: head, Content-Length and chunked bodies, and reading as slowly as asked.
using System.Globalization;
using System.Text;

namespace LokiGateway.Testing;

/// <summary>Request line and headers.</summary>
internal sealed record HttpRequestHead(string Method, string Path, IReadOnlyDictionary<string, string> Headers)
{
    public bool ExpectsContinue => Headers.TryGetValue("Expect", out var value) && value.Equals("100-continue", StringComparison.OrdinalIgnoreCase);
}

/// <summary>Reads requests one after the other from a connection.</summary>
internal sealed class HttpRequestReader(Stream stream) : IDisposable
{
    // Larger than any request head that a sender of ours writes.
    private const int HeadBytesMax = 64 * 1024;

    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>The next request's head, or null at the end of the connection.</summary>
    public async Task<HttpRequestHead?> ReadHeadAsync(CancellationToken ct)
    {
        var requestLine = await ReadLineAsync(ct).ConfigureAwait(false);
        if (requestLine is null) return null;
        var parts = requestLine.Split(' ');
        if (parts.Length != 3) throw new IOException($"Not a request line: {requestLine}");
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await ReadLineAsync(ct).ConfigureAwait(false) is { Length: > 0 } line)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0) throw new IOException($"Not a header: {line}");
            var name = line[..colon];
            var value = line[(colon + 1)..].Trim();
            headers[name] = headers.TryGetValue(name, out var before) ? $"{before}, {value}" : value;
        }
        return new HttpRequestHead(parts[0], parts[1], headers);
    }

    /// <summary>The body, at most <paramref name="bytesPerSecond"/> (0: as fast as it goes).</summary>
    public async Task<byte[]> ReadBodyAsync(HttpRequestHead head, int bytesPerSecond, CancellationToken ct)
    {
        using var body = new MemoryStream();
        if (head.Headers.TryGetValue("Transfer-Encoding", out var coding) && coding.Contains("chunked", StringComparison.OrdinalIgnoreCase))
        {
            while (true)
            {
                var sizeLine = await ReadLineAsync(ct).ConfigureAwait(false) ?? throw new IOException("The body ends in the middle of a chunk.");
                var size = int.Parse(sizeLine.Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                if (size > 0) await CopyAsync(body, size, bytesPerSecond, ct).ConfigureAwait(false);
                await ReadLineAsync(ct).ConfigureAwait(false);
                if (size == 0) return body.ToArray();
            }
        }
        if (head.Headers.TryGetValue("Content-Length", out var length))
            await CopyAsync(body, int.Parse(length, CultureInfo.InvariantCulture), bytesPerSecond, ct).ConfigureAwait(false);
        return body.ToArray();
    }

    public void Dispose() => stream.Dispose();

    private async Task CopyAsync(MemoryStream body, int length, int bytesPerSecond, CancellationToken ct)
    {
        const int SlicesPerSecond = 20;
        var slice = bytesPerSecond > 0 ? Math.Max(1, bytesPerSecond / SlicesPerSecond) : int.MaxValue;
        for (var left = length; left > 0;)
        {
            if (_start == _end && !await FillAsync(ct).ConfigureAwait(false)) throw new IOException("The body ends early.");
            var count = Math.Min(Math.Min(left, _end - _start), slice);
            body.Write(_buffer, _start, count);
            _start += count;
            left -= count;
            if (bytesPerSecond > 0 && left > 0) await Task.Delay(1000 / SlicesPerSecond, ct).ConfigureAwait(false);
        }
    }

    private async Task<string?> ReadLineAsync(CancellationToken ct)
    {
        var line = new StringBuilder();
        while (true)
        {
            while (_start < _end)
            {
                var c = (char)_buffer[_start++];
                if (c == '\n') return line.ToString();
                if (c != '\r') line.Append(c);
                if (line.Length > HeadBytesMax) throw new IOException("The head of the request is too long.");
            }
            if (!await FillAsync(ct).ConfigureAwait(false)) return line.Length == 0 ? null : throw new IOException("The head ends early.");
        }
    }

    private async Task<bool> FillAsync(CancellationToken ct)
    {
        _start = 0;
        _end = await stream.ReadAsync(_buffer, ct).ConfigureAwait(false);
        return _end > 0;
    }
}
