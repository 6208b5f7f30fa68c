namespace LokiGateway.Shipper.Frame;

/// <summary>The two outputs of a container. Raw files have only <see cref="Stdout"/>.</summary>
internal enum LineStream : byte { Stdout, Stderr }

/// <summary>
/// Where framed entries go. Frame is generic over a struct that implements it, so that the call per line is direct and can be inlined, and
/// Frame need not know the batch behind it.
/// </summary>
internal interface IEntrySink
{
    /// <summary>
    /// Takes one entry (valid UTF-8, the line is copied) or returns false when there is no room: then Frame stops in front of this line, and its state is
    /// as if the line had not been looked at.
    /// </summary>
    bool TryAdd(LineStream stream, long unixNanos, ReadOnlySpan<byte> line);
}
