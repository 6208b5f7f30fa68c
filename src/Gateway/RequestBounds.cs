// Loki 3.2 bounds neither a push's body nor what it decompresses to: a 10 MB gzip bomb takes it down. These bounds stand before any memory is taken.
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Gateway;

/// <summary>How much one request, and all of them together, may make the gateway hold. Key names are those of Loki 3.6's distributor.</summary>
public sealed record RequestBounds
{
    private const int MiB = 1024 * 1024;

    /// <summary>Body as sent.</summary>
    public int BodyBytesMax { get; init; } = 16 * MiB;

    /// <summary>Body after snappy, gzip or deflate.</summary>
    public int DecodedBytesMax { get; init; } = 64 * MiB;

    /// <summary>Bodies and decoded bodies of all requests at this moment.</summary>
    public long BytesInFlightMax { get; init; } = 256L * MiB;

    /// <summary>A sender that holds a connection must at least send: 1 KiB/s is a modem's speed.</summary>
    internal double BodyBytesPerSecondMin { get; init; } = 1024;

    /// <summary>How long it may be slower than that before its connection is cut.</summary>
    internal TimeSpan SlowBodyGrace { get; init; } = TimeSpan.FromSeconds(5);

    internal static RequestBounds Bind(ConfigurationSection server)
    {
        RequestBounds bounds = new()
        {
            BodyBytesMax = (int)server.Size("max_recv_msg_size", 16 * MiB, 1024, 1024 * MiB, "Largest body of a push as sent; a larger one is answered 413."),
            DecodedBytesMax = (int)server.Size("max_decompressed_size", 64 * MiB, 1024, 1024 * MiB, "Largest body of a push after decompression."),
            BytesInFlightMax = server.Size("max_inflight_bytes", 256L * MiB, 1024 * 1024, long.MaxValue,
                "Memory for all bodies at one moment; a push that would exceed it is answered 503 with Retry-After."),
        };
        if (bounds.BytesInFlightMax < (long)bounds.BodyBytesMax + bounds.DecodedBytesMax)
            server.Error("max_inflight_bytes", "must hold at least one request: max_recv_msg_size + max_decompressed_size");
        return bounds;
    }
}
