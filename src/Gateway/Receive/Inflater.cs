// Undoes gzip and deflate without trusting either: the output grows with what is really there, so a bomb costs what it fills and stops at the bound.
using System.IO.Compression;

namespace LokiGateway.Gateway.Receive;

internal static class Inflater
{
    /// <summary>A log text compresses 5 to 30 times, equal lines up to about 100; deflate can do 1032, which only a bomb needs.</summary>
    private const int RatioMax = 200;

    /// <summary>Below this the ratio does not matter: it is less than one block of a common push.</summary>
    private const int RatioFreeBytes = 4 * 1024 * 1024;

    /// <summary>Inflates a whole body; the result is the caller's. Errors in Go's words (compress/gzip, compress/flate).</summary>
    public static Refusal? TryInflate(PooledBytes source, PushCompression compression, int bytesMax, BodyMemory memory, out PooledBytes? inflated)
    {
        inflated = null;
        if (compression == PushCompression.Gzip && GzipHeaderError(source.Span) is { } error) return new Refusal(RefusalKind.BadRequest, error);
        using var input = new MemoryStream(source.Buffer, 0, source.Length, writable: false);
        using Stream inflater = compression == PushCompression.Gzip
            ? new GZipStream(input, CompressionMode.Decompress)
            : new DeflateStream(input, CompressionMode.Decompress);
        long lengthMax = Math.Min(bytesMax, Math.Max(RatioFreeBytes, (long)source.Length * RatioMax));
        PooledBytes? output = memory.TryRent(source.Length);
        try
        {
            while (output is not null)
            {
                int read = inflater.Read(output.Buffer, output.Length, output.Buffer.Length - output.Length);
                output.Length += read;
                if (output.Length > lengthMax)
                    return new Refusal(RefusalKind.TooLarge, LokiTexts.DecodedTooLarge(output.Length, lengthMax));
                if (read == 0)
                {
                    (inflated, output) = (output, null);
                    return null;
                }

                if (output.Length == output.Buffer.Length) output = Grow(output, memory);
            }

            return Overload.Refusal;
        }
        catch (InvalidDataException)
        {
            return new Refusal(RefusalKind.BadRequest, compression == PushCompression.Gzip ? "gzip: corrupt input" : "flate: corrupt input");
        }
        finally
        {
            output?.Dispose();
        }
    }

    private static PooledBytes? Grow(PooledBytes full, BodyMemory memory)
    {
        PooledBytes? larger = memory.TryRent(checked(full.Length * 2));
        if (larger is not null)
        {
            full.Span.CopyTo(larger.Buffer);
            larger.Length = full.Length;
        }

        full.Dispose();
        return larger;
    }

    // RFC 1952: ID1 ID2 CM ... ten bytes at least.
    private static string? GzipHeaderError(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty) return "EOF";
        if (body.Length < 10) return "unexpected EOF";
        return body[0] == 0x1F && body[1] == 0x8B && body[2] == 8 ? null : "gzip: invalid header";
    }
}
