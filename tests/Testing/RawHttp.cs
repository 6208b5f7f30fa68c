// An HTTP/1.1 client that sends exactly the bytes it is given. HttpClient corrects, adds and refuses headers, and that is what tests of a
// server's edges must be able to get wrong: an empty tenant header, an unparsable Content-Type, a body that never comes.
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace LokiGateway.Testing;

/// <summary>A whole answer; header names are compared without case.</summary>
public sealed record RawAnswer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] BodyBytes)
{
    /// <summary>The body as UTF-8.</summary>
    public string Body => Encoding.UTF8.GetString(BodyBytes);

    /// <summary>A header's value, or null.</summary>
    public string? Header(string name) => Headers.TryGetValue(name, out var value) ? value : null;

    /// <inheritdoc/>
    public override string ToString() => $"{Status} {Header("Content-Type")} {Body}";
}

/// <summary>Sends requests byte by byte.</summary>
public static class RawHttp
{
    /// <summary>
    /// Sends one request on a connection of its own and reads the answer. Host and Content-Length are added, nothing else.
    /// A null body sends no Content-Length.
    /// </summary>
    public static async Task<RawAnswer> SendAsync(Uri server, string method, string path, IEnumerable<(string Name, string Value)> headers,
        byte[]? body, CancellationToken ct = default)
    {
        var head = new StringBuilder($"{method} {path} HTTP/1.1\r\nHost: {server.Authority}\r\nConnection: close\r\n");
        foreach (var (name, value) in headers) head.Append($"{name}: {value}\r\n");
        if (body is not null) head.Append($"Content-Length: {body.Length}\r\n");
        head.Append("\r\n");
        using var connection = await RawConnection.OpenAsync(server, ct).ConfigureAwait(false);
        try
        {
            await connection.WriteAsync([.. Encoding.Latin1.GetBytes(head.ToString()), .. body ?? []], ct).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // A server may refuse by the head alone and close while the body is under way: its answer is what counts.
        }
        return await connection.ReadAnswerAsync(method == "HEAD", ct).ConfigureAwait(false);
    }

    /// <summary>A push of a snappy-protobuf body.</summary>
    public static Task<RawAnswer> PushAsync(Uri server, string tenant, byte[] body, CancellationToken ct = default) =>
        SendAsync(server, "POST", "/loki/api/v1/push", [("Content-Type", "application/x-protobuf"), ("X-Scope-OrgID", tenant)], body, ct);
}

/// <summary>One open connection, for requests that come in pieces or never end.</summary>
public sealed class RawConnection : IDisposable
{
    private readonly TcpClient _client;
    private readonly NetworkStream _stream;
    private readonly List<byte> _pending = [];

    private RawConnection(TcpClient client)
    {
        _client = client;
        _stream = client.GetStream();
    }

    /// <summary>Connects.</summary>
    public static async Task<RawConnection> OpenAsync(Uri server, CancellationToken ct = default)
    {
        var client = new TcpClient { NoDelay = true };
        try
        {
            await client.ConnectAsync(server.Host, server.Port, ct).ConfigureAwait(false);
            return new RawConnection(client);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Writes bytes as they are.</summary>
    public async Task WriteAsync(byte[] bytes, CancellationToken ct = default) => await _stream.WriteAsync(bytes, ct).ConfigureAwait(false);

    /// <summary>Writes text as it is.</summary>
    public Task WriteAsync(string text, CancellationToken ct = default) => WriteAsync(Encoding.Latin1.GetBytes(text), ct);

    /// <summary>True when the server has closed the connection without sending anything more.</summary>
    public async Task<bool> IsClosedByServerAsync(CancellationToken ct = default)
    {
        try
        {
            return _pending.Count == 0 && !await FillAsync(ct).ConfigureAwait(false);
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Reads one answer. Throws IOException when the server closes before it is whole.</summary>
    public async Task<RawAnswer> ReadAnswerAsync(bool headOnly = false, CancellationToken ct = default)
    {
        var statusLine = await ReadLineAsync(ct).ConfigureAwait(false);
        if (!statusLine.StartsWith("HTTP/1.", StringComparison.Ordinal)) throw new IOException($"Not a status line: {statusLine}");
        var status = int.Parse(statusLine.AsSpan(9, 3), CultureInfo.InvariantCulture);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await ReadLineAsync(ct).ConfigureAwait(false) is { Length: > 0 } line)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..colon]] = line[(colon + 1)..].Trim();
        }
        if (status == 100) return await ReadAnswerAsync(headOnly, ct).ConfigureAwait(false);
        byte[] body;
        if (headOnly || status is 204 or 304)
            body = [];
        else if (headers.TryGetValue("Transfer-Encoding", out var coding) && coding.Contains("chunked", StringComparison.OrdinalIgnoreCase))
            body = await ReadChunksAsync(ct).ConfigureAwait(false);
        else if (headers.TryGetValue("Content-Length", out var length))
            body = await TakeAsync(int.Parse(length, CultureInfo.InvariantCulture), ct).ConfigureAwait(false);
        else
            body = await TakeRestAsync(ct).ConfigureAwait(false);
        return new RawAnswer(status, headers, body);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stream.Dispose();
        _client.Dispose();
    }

    private async Task<byte[]> ReadChunksAsync(CancellationToken ct)
    {
        var body = new List<byte>();
        while (true)
        {
            var size = int.Parse(await ReadLineAsync(ct).ConfigureAwait(false), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.AddRange(await TakeAsync(size, ct).ConfigureAwait(false));
            await ReadLineAsync(ct).ConfigureAwait(false);
            if (size == 0) return [.. body];
        }
    }

    private async Task<byte[]> TakeAsync(int count, CancellationToken ct)
    {
        while (_pending.Count < count)
            if (!await FillAsync(ct).ConfigureAwait(false)) throw new IOException($"The answer ends after {_pending.Count} of {count} bytes.");
        var bytes = _pending.GetRange(0, count).ToArray();
        _pending.RemoveRange(0, count);
        return bytes;
    }

    private async Task<byte[]> TakeRestAsync(CancellationToken ct)
    {
        while (await FillAsync(ct).ConfigureAwait(false))
        {
        }
        return await TakeAsync(_pending.Count, ct).ConfigureAwait(false);
    }

    private async Task<string> ReadLineAsync(CancellationToken ct)
    {
        while (true)
        {
            var end = _pending.IndexOf((byte)'\n');
            if (end >= 0)
            {
                var line = await TakeAsync(end + 1, ct).ConfigureAwait(false);
                return Encoding.Latin1.GetString(line).TrimEnd('\r', '\n');
            }
            if (!await FillAsync(ct).ConfigureAwait(false)) throw new IOException("The server closed the connection without a whole answer.");
        }
    }

    private async Task<bool> FillAsync(CancellationToken ct)
    {
        var buffer = new byte[16 * 1024];
        var count = await _stream.ReadAsync(buffer, ct).ConfigureAwait(false);
        _pending.AddRange(buffer.AsSpan(0, count));
        return count > 0;
    }
}
