// `{"log":"message\n","stream":"stdout","time":"2026-11-22T22:15:01.123456789Z"}`: docker's json-file driver, still found on nodes without CRI.
using System.Text;
using System.Text.Json;

namespace LokiGateway.Shipper.Frame;

/// <summary>One docker record. <see cref="Partial"/>: the message did not end in a newline, docker split it at 16 KiB.</summary>
internal ref struct DockerLine
{
    public ReadOnlySpan<byte> Message;
    public long UnixNanos;
    public LineStream Stream;
    public bool Partial;

    /// <param name="line">Valid UTF-8 (repaired by the caller if need be).</param>
    /// <param name="scratch">At least as long as the line; holds the message when it had escapes.</param>
    /// <param name="docker">The record; its message points into one of the two.</param>
    public static bool TryParse(ReadOnlySpan<byte> line, Span<byte> scratch, out DockerLine docker)
    {
        docker = default;
        bool hasLog = false, hasTime = false;
        var reader = new Utf8JsonReader(line);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                int key = reader.ValueTextEquals("log"u8) ? 1 : reader.ValueTextEquals("stream"u8) ? 2 : reader.ValueTextEquals("time"u8) ? 3 : 0;
                if (!reader.Read()) return false;
                if (key == 0)
                {
                    reader.Skip();
                    continue;
                }
                if (reader.TokenType != JsonTokenType.String) return false;
                if (key == 1)
                {
                    docker.Message = reader.ValueIsEscaped ? Unescape(reader.ValueSpan, scratch) : reader.ValueSpan;
                    hasLog = true;
                }
                else if (key == 2) docker.Stream = reader.ValueTextEquals("stderr"u8) ? LineStream.Stderr : LineStream.Stdout;
                else hasTime = Rfc3339.TryParse(reader.ValueSpan, out docker.UnixNanos, out int consumed) && consumed == reader.ValueSpan.Length;
            }
            if (reader.TokenType != JsonTokenType.EndObject || !hasLog || !hasTime) return false;
        }
        catch (JsonException)
        {
            // Torn or foreign: the caller ships the line as it is and counts it.
            return false;
        }
        docker.Partial = docker.Message.Length == 0 || docker.Message[^1] != '\n';
        if (!docker.Partial) docker.Message = docker.Message[..^1];
        return true;
    }

    /// <summary>
    /// JSON escapes to UTF-8; the reader has checked their form. Half of a surrogate pair, which the JSON reader's own copy throws on, becomes U+FFFD.
    /// Never longer than the input: \uXXXX is six bytes and at most three come out.
    /// </summary>
    private static ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> text, Span<byte> scratch)
    {
        int length = 0;
        while (true)
        {
            int escape = text.IndexOf((byte)'\\');
            ReadOnlySpan<byte> plain = escape < 0 ? text : text[..escape];
            plain.CopyTo(scratch[length..]);
            length += plain.Length;
            if (escape < 0) return scratch[..length];
            text = text[(escape + 1)..];
            byte kind = text[0];
            if (kind != 'u')
            {
                scratch[length++] = kind switch
                {
                    (byte)'n' => (byte)'\n',
                    (byte)'t' => (byte)'\t',
                    (byte)'r' => (byte)'\r',
                    (byte)'b' => (byte)'\b',
                    (byte)'f' => (byte)'\f',
                    _ => kind, // " \ /
                };
                text = text[1..];
                continue;
            }
            char first = Hex4(text[1..]);
            text = text[5..];
            Rune rune;
            if (char.IsHighSurrogate(first) && text.Length >= 6 && text[0] == '\\' && text[1] == 'u' && char.IsLowSurrogate(Hex4(text[2..])))
            {
                rune = new Rune(first, Hex4(text[2..]));
                text = text[6..];
            }
            else if (!Rune.TryCreate(first, out rune)) rune = Rune.ReplacementChar;
            length += rune.EncodeToUtf8(scratch[length..]);
        }
    }

    private static char Hex4(ReadOnlySpan<byte> text) =>
        (char)(HexDigit(text[0]) << 12 | HexDigit(text[1]) << 8 | HexDigit(text[2]) << 4 | HexDigit(text[3]));

    private static int HexDigit(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
