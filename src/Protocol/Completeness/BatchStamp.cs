// The header by which a shipper states its books with every push, so that the gateway can compare the claim with its own count.
// Grammar: docs/formats/batch-stamp.md.
using System.Buffers;
using System.Globalization;
using System.Text;

namespace LokiGateway.Protocol.Completeness;

/// <summary>
/// What one shipper says about one batch of one tenant. Node: 1 to 253 bytes of UTF-8. Epoch: start of the shipper process. Sequence: number
/// of the batch in that epoch. Lines: in this batch. Read, Acked, Lost: cumulative in this epoch. No number is negative.
/// </summary>
public readonly record struct BatchStamp(string Node, long Epoch, long Sequence, long Lines, long Read, long Acked, long Lost)
{
    public const string HeaderName = "X-Loki-Shipper";

    /// <summary>The longest header accepted: seven numbers, seven names and a node whose every byte is escaped fit.</summary>
    public const int HeaderLengthMax = 1024;

    /// <summary>The longest name that Kubernetes gives a node (a DNS subdomain, RFC 1123).</summary>
    public const int NodeBytesMax = 253;

    private static readonly SearchValues<char> Plain =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:");

    /// <summary>The header value. A node name that is too long is cut at 253 bytes.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"node={Escape(Node)};epoch={Epoch};seq={Sequence};lines={Lines};read={Read};acked={Acked};lost={Lost}");

    /// <summary>Parses a header value; false for anything that <see cref="ToString"/> would not write.</summary>
    public static bool TryParse(ReadOnlySpan<char> header, out BatchStamp stamp)
    {
        stamp = default;
        if (header.Length > HeaderLengthMax
            || !TryTakeField(ref header, "node=", out var nodeText)
            || !TryTakeNumber(ref header, "epoch=", out var epoch)
            || !TryTakeNumber(ref header, "seq=", out var sequence)
            || !TryTakeNumber(ref header, "lines=", out var lines)
            || !TryTakeNumber(ref header, "read=", out var read)
            || !TryTakeNumber(ref header, "acked=", out var acked)
            || !TryTakeNumber(ref header, "lost=", out var lost)
            || !header.IsEmpty
            || !TryUnescape(nodeText, out var node))
        {
            return false;
        }

        stamp = new BatchStamp(node, epoch, sequence, lines, read, acked, lost);
        return true;
    }

    // Takes "name=value" off the front, and the ';' after it unless it is the last field.
    private static bool TryTakeField(ref ReadOnlySpan<char> rest, string name, out ReadOnlySpan<char> value)
    {
        value = default;
        if (!rest.StartsWith(name))
            return false;
        rest = rest[name.Length..];
        var end = rest.IndexOf(';');
        value = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        // A ';' must be followed by a field: "…lost=0;" is not what a shipper writes.
        return end < 0 || !rest.IsEmpty;
    }

    // Digits only, no sign, no leading zero: one number, one spelling.
    private static bool TryTakeNumber(ref ReadOnlySpan<char> rest, string name, out long value)
    {
        value = 0;
        return TryTakeField(ref rest, name, out var digits)
            && !digits.IsEmpty
            && (digits[0] != '0' || digits.Length == 1)
            && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private static string Escape(string node)
    {
        if (node.Length <= NodeBytesMax && !node.AsSpan().ContainsAnyExcept(Plain))
            return node;
        var text = new StringBuilder();
        Span<byte> utf8 = stackalloc byte[4];
        var bytes = 0;
        foreach (var rune in node.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > NodeBytesMax)
                break;
            if (rune.IsBmp && Plain.Contains((char)rune.Value))
            {
                text.Append((char)rune.Value);
                continue;
            }

            foreach (var b in utf8[..rune.EncodeToUtf8(utf8)])
                text.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    private static bool TryUnescape(ReadOnlySpan<char> text, out string node)
    {
        node = "";
        Span<byte> utf8 = stackalloc byte[NodeBytesMax];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (length == NodeBytesMax)
                return false;
            if (Plain.Contains(text[i]))
            {
                utf8[length++] = (byte)text[i];
                continue;
            }

            if (text[i] != '%' || i + 2 >= text.Length || !char.IsAsciiHexDigitUpper(text[i + 1]) || !char.IsAsciiHexDigitUpper(text[i + 2]))
                return false;
            var escaped = byte.Parse(text.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (Plain.Contains((char)escaped))
                return false;
            utf8[length++] = escaped;
            i += 2;
        }

        if (length == 0 || !System.Text.Unicode.Utf8.IsValid(utf8[..length]))
            return false;
        node = Encoding.UTF8.GetString(utf8[..length]);
        return true;
    }
}
