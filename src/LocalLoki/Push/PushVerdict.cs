namespace LokiGateway.LocalLoki.Push;

/// <summary>How a push ends: a status and Loki's text (without newline); 204 has none.</summary>
internal readonly record struct PushVerdict(int Status, string Text)
{
    public static readonly PushVerdict Stored = new(204, "");

    public static PushVerdict BadRequest(string text) => new(400, text);

    /// <summary>Loki 3.6's words: 3.2 has no bound, and takes the bomb.</summary>
    public static PushVerdict TooLarge(long bytesMax) =>
        new(413, $"request body too large: decompressed message size too large than max ({bytesMax} bytes)");
}
