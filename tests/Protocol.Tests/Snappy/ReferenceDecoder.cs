// The oracle for the snappy codec: the format description read aloud, one byte at a time, with the checks of the Go decoder that Loki runs.
// The package Snappier is no oracle for bad input: it accepts blocks whose last copy runs over the declared length, which Loki refuses.
namespace LokiGateway.Protocol.Tests.Snappy;

internal static class ReferenceDecoder
{
    /// <summary>Decodes the elements after the preamble; null where github.com/golang/snappy says "corrupt input".</summary>
    public static byte[]? Decode(ReadOnlySpan<byte> elements, int length)
    {
        byte[] output = new byte[length];
        int written = 0, read = 0;
        while (read < elements.Length)
        {
            int tag = elements[read++];
            int extra = (tag & 3) switch { 0 => Math.Max(0, (tag >> 2) - 59), 1 => 1, 2 => 2, _ => 4 };
            if (elements.Length - read < extra) return null;
            long number = 0;
            for (int i = 0; i < extra; i++) number |= (long)elements[read + i] << (8 * i);
            read += extra;
            long count = (tag & 3) switch { 0 when extra > 0 => number + 1, 1 => 4 + ((tag >> 2) & 7), _ => (tag >> 2) + 1 };
            if (count > length - written) return null;
            if ((tag & 3) == 0)
            {
                if (count > elements.Length - read) return null;
                elements.Slice(read, (int)count).CopyTo(output.AsSpan(written));
                read += (int)count;
                written += (int)count;
                continue;
            }
            long offset = number + ((tag & 3) == 1 ? (tag >> 5) << 8 : 0);
            if (offset == 0 || offset > written) return null;
            for (; count > 0; count--, written++) output[written] = output[written - offset];
        }
        return written == length ? output : null;
    }
}
