// The few things that the null sink must know of an HTTP/1.1 request: where its head ends, how its body is framed, and the lines that the
// shipper says are in it. Nothing is validated: the senders are our own programs and well-known agents.
using System.Buffers.Text;
using System.Text;

namespace LokiGateway.Benchmarks.Native;

/// <summary>Read from the bytes of one request head.</summary>
/// <param name="HeadLength">Bytes up to and including the empty line.</param>
/// <param name="ContentLength">-1 when the body is chunked.</param>
/// <param name="StampedLines"><c>lines=</c> of the X-Loki-Shipper header, 0 without.</param>
internal readonly record struct HttpRequestHead(
    int HeadLength, long ContentLength, long StampedLines, bool IsGet, bool IsJson, bool IsGzip, bool ExpectsContinue)
{
    /// <summary>False when the head is not complete yet.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out HttpRequestHead head)
    {
        head = default;
        int end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0) return false;
        ReadOnlySpan<byte> rest = bytes[..(end + 2)];
        bool isGet = rest.StartsWith("GET "u8);
        long contentLength = 0, lines = 0;
        bool json = false, gzip = false, expects = false;
        for (int newline; (newline = rest.IndexOf("\r\n"u8)) >= 0; rest = rest[(newline + 2)..])
        {
            ReadOnlySpan<byte> line = rest[..newline];
            int colon = line.IndexOf((byte)':');
            if (colon <= 0) continue;
            ReadOnlySpan<byte> value = line[(colon + 1)..].Trim((byte)' ');
            switch (colon)
            {
                case 14 when Named(line, "Content-Length"u8): contentLength = Number(value); break;
                case 17 when Named(line, "Transfer-Encoding"u8): contentLength = -1; break;
                case 14 when Named(line, "X-Loki-Shipper"u8): lines = StampLines(value); break;
                case 12 when Named(line, "Content-Type"u8): json = value.StartsWith("application/json"u8); break;
                case 16 when Named(line, "Content-Encoding"u8): gzip = value.SequenceEqual("gzip"u8); break;
                case 6 when Named(line, "Expect"u8): expects = true; break;
            }
        }
        head = new HttpRequestHead(end + 4, contentLength, lines, isGet, json, gzip, expects);
        return true;
    }

    private static bool Named(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(line[..name.Length], name);

    private static long StampLines(ReadOnlySpan<byte> stamp)
    {
        int at = stamp.IndexOf(";lines="u8);
        return at < 0 ? 0 : Number(stamp[(at + 7)..]);
    }

    private static long Number(ReadOnlySpan<byte> text) => Utf8Parser.TryParse(text, out long number, out _) ? number : 0;
}
