// From the body as sent to a PushRequest in wire form, whatever it came as: the stages behind it know one format only.
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Gateway.Receive;

/// <summary>Decodes bodies for inspection. The bytes that are forwarded stay the original ones.</summary>
internal sealed class PushDecoder(RequestBounds bounds, BodyMemory memory)
{
    /// <summary>
    /// The format's densest element makes 64 bytes of 3 (a copy with a two-byte offset): what declares more than this ratio is corrupt, and is found out
    /// before memory is taken for it.
    /// </summary>
    private const int SnappyRatioMax = 22;

    /// <summary>
    /// Null and the decoded bytes, owned by the caller; or the refusal. OTLP is only inflated: decoded stays null when the body is what it should be already.
    /// </summary>
    /// <param name="body">As sent.</param>
    /// <param name="format">What the headers say it is.</param>
    /// <param name="decoded">A PushRequest, or OTLP.</param>
    /// <param name="inflatedJson">The text that it was made of, owned by the caller as well; null when that is the body, or the push is no JSON.</param>
    public Refusal? TryDecode(PooledBytes body, PushFormat format, out PooledBytes? decoded, out PooledBytes? inflatedJson)
    {
        decoded = null;
        inflatedJson = null;
        PooledBytes? inflated = null;
        if (format.Compression != PushCompression.None &&
            Inflater.TryInflate(body, format.Compression, bounds.DecodedBytesMax, memory, out inflated) is { } refusal)
            return refusal;
        if (format.IsOtlp)
        {
            decoded = inflated;
            return null;
        }

        ReadOnlySpan<byte> plain = (inflated ?? body).Span;
        Refusal? unreadable = format.Encoding == PushEncoding.Json ? TryDecodeJson(plain, format.JsonVersion, out decoded) : TryDecodeSnappy(plain, out decoded);
        if (unreadable is null && format.Encoding == PushEncoding.Json) inflatedJson = inflated;
        else inflated?.Dispose();
        return unreadable;
    }

    private Refusal? TryDecodeSnappy(ReadOnlySpan<byte> block, out PooledBytes? decoded)
    {
        decoded = null;
        SnappyError error = SnappyBlock.TryReadLength(block, bounds.DecodedBytesMax, out int length);
        if (error == SnappyError.TooLarge)
            return new Refusal(RefusalKind.TooLarge, LokiTexts.DecodedTooLarge(DeclaredLength(block), bounds.DecodedBytesMax));
        if (error != SnappyError.None || length / SnappyRatioMax > block.Length) return Corrupt();
        PooledBytes? output = memory.TryRent(length);
        if (output is null) return Overload.Refusal;
        if (SnappyBlock.TryDecode(block, output.Buffer.AsSpan(0, length), out int written) != SnappyError.None)
        {
            output.Dispose();
            return Corrupt();
        }

        output.Length = written;
        decoded = output;
        return null;
    }

    private Refusal? TryDecodeJson(ReadOnlySpan<byte> json, PushJsonVersion version, out PooledBytes? decoded)
    {
        decoded = null;
        using var writer = new PooledWriter(memory, json.Length);
        try
        {
            if (!PushJson.TryToProtobuf(json, version, writer, out string? error)) return new Refusal(RefusalKind.BadRequest, error);
            decoded = writer.Detach();
            return null;
        }
        catch (BodyMemoryExhaustedException)
        {
            return Overload.Refusal;
        }
    }

    private static long DeclaredLength(ReadOnlySpan<byte> block)
    {
        SnappyBlock.TryReadLength(block, int.MaxValue, out int length);
        return length > 0 ? length : uint.MaxValue;
    }

    private static Refusal Corrupt() => new(RefusalKind.BadRequest, "snappy: corrupt input");
}
