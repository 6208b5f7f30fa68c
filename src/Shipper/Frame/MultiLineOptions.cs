namespace LokiGateway.Shipper.Frame;

/// <summary>How lines of a source are joined to entries. A line that does not look like a first line belongs to the entry before it.</summary>
public sealed record MultiLineOptions
{
    /// <summary>An RE2 pattern, searched in the first <see cref="MultiLine.LookedAtBytes"/> of a line.</summary>
    public required string FirstLine { get; init; }

    public int LinesMax { get; init; } = 128;

    /// <summary>Never more than limits.max_line_size.</summary>
    public int BytesMax { get; init; } = 256 << 10;

    /// <summary>A line that comes this much later begins a new entry, and an entry whose stream is silent for so long is complete.</summary>
    public TimeSpan WaitMax { get; init; } = TimeSpan.FromSeconds(3);
}
