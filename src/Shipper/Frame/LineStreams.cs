namespace LokiGateway.Shipper.Frame;

/// <summary>Which of a file's two streams are meant.</summary>
[Flags]
internal enum LineStreams
{
    None = 0,
    Stdout = 1,
    Stderr = 2,
    Both = Stdout | Stderr,
}

internal static class LineStreamsExtensions
{
    public static bool Has(this LineStreams streams, LineStream stream) => (streams & stream.Alone()) != 0;

    public static LineStreams Alone(this LineStream stream) => stream == LineStream.Stdout ? LineStreams.Stdout : LineStreams.Stderr;

    public static LineStream Other(this LineStream stream) => stream == LineStream.Stdout ? LineStream.Stderr : LineStream.Stdout;
}
