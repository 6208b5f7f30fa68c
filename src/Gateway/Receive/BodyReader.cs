// Reads a push's body once, into one contiguous buffer: snappy needs it contiguous, and the very same bytes are forwarded later.
using System.Buffers;
using System.IO.Pipelines;

namespace LokiGateway.Gateway.Receive;

/// <summary>Why a body was not taken.</summary>
internal enum BodyError
{
    None,

    /// <summary>Over <see cref="RequestBounds.BodyBytesMax"/>: the client must send less.</summary>
    TooLarge,

    /// <summary>The process holds all the bytes it may: the client must come again.</summary>
    Overloaded,
}

internal static class BodyReader
{
    /// <summary>
    /// Reads to the end, however the body is framed. The budget is charged with what has arrived and not with what was promised, so a sender that declares
    /// 16 MiB and dribbles holds only what it sent; the transport's pipe keeps the bytes until they are all there and are copied in one go.
    /// Declared is the Content-Length; null for a chunked body.
    /// </summary>
    /// <returns>The body, owned by the caller; or the error, with the bytes that were seen or declared.</returns>
    /// <exception cref="Microsoft.AspNetCore.Http.BadHttpRequestException">The sender was too slow or broke the framing.</exception>
    /// <exception cref="IOException">The connection is gone.</exception>
    public static async ValueTask<(BodyError Error, PooledBytes? Body, long Bytes)> ReadAsync(
        PipeReader reader, long? declaredBytes, int bytesMax, BodyMemory memory, CancellationToken aborted)
    {
        if (declaredBytes > bytesMax) return (BodyError.TooLarge, null, declaredBytes.Value);
        long charged = 0;
        try
        {
            while (true)
            {
                ReadResult read = await reader.ReadAsync(aborted);
                ReadOnlySequence<byte> arrived = read.Buffer;
                long bytes = arrived.Length;
                BodyError error = bytes > bytesMax ? BodyError.TooLarge : memory.TryCharge(bytes - charged) ? BodyError.None : BodyError.Overloaded;
                if (error == BodyError.None) charged = bytes;
                if (error == BodyError.None && !read.IsCompleted && bytes != declaredBytes)
                {
                    reader.AdvanceTo(arrived.Start, arrived.End);
                    continue;
                }

                PooledBytes? body = error == BodyError.None ? memory.TryRent((int)bytes) : null;
                if (error == BodyError.None && body is null) error = BodyError.Overloaded;
                if (body is not null)
                {
                    arrived.CopyTo(body.Buffer);
                    body.Length = (int)bytes;
                }

                reader.AdvanceTo(arrived.End);
                return (error, body, bytes);
            }
        }
        finally
        {
            memory.Release(charged);
        }
    }
}
