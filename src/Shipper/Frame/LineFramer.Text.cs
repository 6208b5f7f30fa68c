// Lines that cannot go out as they are: too long, or not UTF-8. Loki refuses both, and a refused line is a lost one.
using System.Buffers;
using System.Text;

namespace LokiGateway.Shipper.Frame;

internal sealed partial class LineFramer
{
    /// <summary>The message up to where the suffix fits behind it, at the end of a character.</summary>
    private ReadOnlySpan<byte> CutWithSuffix(ReadOnlySpan<byte> message, ref byte[] buffer)
    {
        int kept = CharacterBoundary(message, Math.Max(0, Math.Min(message.Length, _lineBytesMax - TruncatedSuffix.Length)));
        // The message may lie in the buffer already: moving within it is fine, CopyTo is a memmove.
        if (buffer.Length < _lineBytesMax + RepairSlackBytes) buffer = new byte[_lineBytesMax + RepairSlackBytes];
        message[..kept].CopyTo(buffer);
        TruncatedSuffix.CopyTo(buffer.AsSpan(kept));
        return buffer.AsSpan(0, kept + TruncatedSuffix.Length);
    }

    private const int RepairSlackBytes = 16;

    /// <summary>The largest index up to <paramref name="at"/> that does not split a UTF-8 sequence.</summary>
    private static int CharacterBoundary(ReadOnlySpan<byte> text, int at)
    {
        if (at >= text.Length) return text.Length;
        int boundary = at;
        // A sequence has at most three continuation bytes; more of them is no UTF-8, and any index is as good.
        for (int back = 0; back < 4 && boundary > 0; back++, boundary--)
            if ((text[boundary] & 0xC0) != 0x80) return boundary;
        return at;
    }

    /// <summary>Every maximal piece that is not UTF-8 becomes U+FFFD, as the WHATWG and .NET's own decoder do it; stops at <paramref name="bytesMax"/>.</summary>
    private ReadOnlySpan<byte> Repair(ReadOnlySpan<byte> text, int bytesMax)
    {
        // Three bytes replace one at the worst.
        long needed = Math.Min(text.Length * 3L, bytesMax) + RepairSlackBytes;
        if (_repair.Length < needed) _repair = new byte[Math.Max(needed, _lineBytesMax + RepairSlackBytes)];
        int length = 0;
        while (!text.IsEmpty && length < bytesMax)
        {
            if (Rune.DecodeFromUtf8(text, out Rune rune, out int consumed) == OperationStatus.Done)
            {
                text[..consumed].CopyTo(_repair.AsSpan(length));
                length += consumed;
            }
            else length += Rune.ReplacementChar.EncodeToUtf8(_repair.AsSpan(length));
            text = text[consumed..];
            _ = rune;
        }
        return _repair.AsSpan(0, length);
    }
}
