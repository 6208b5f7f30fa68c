namespace LokiGateway.Shipper.Frame;

/// <summary>What a source does to its lines beyond framing. One per lane and source, its lane's thread only; a source that does nothing has none.</summary>
internal sealed class LineStages
{
    private LineStages(MultiLine? multiLine, Redaction? redaction) => (MultiLine, Redaction) = (multiLine, redaction);

    public MultiLine? MultiLine { get; }

    public Redaction? Redaction { get; }

    /// <summary>Null: lines go out as they are.</summary>
    public static LineStages? Of(MultiLineOptions? multiLine, IReadOnlyList<RedactionRule> redaction, int lineBytesMax) =>
        multiLine is null && redaction.Count == 0
            ? null
            : new LineStages(
                multiLine is null ? null : new MultiLine(multiLine, lineBytesMax),
                redaction.Count == 0 ? null : new Redaction(redaction, lineBytesMax));
}
