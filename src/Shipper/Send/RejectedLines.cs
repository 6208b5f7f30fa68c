namespace LokiGateway.Shipper.Send;

/// <summary>Entries that were refused for one reason.</summary>
/// <param name="Reason">Loki's word.</param>
/// <param name="Lines">How many.</param>
/// <param name="Stream">Label text, as we sent it, of the stream that they were in; null: not told.</param>
internal readonly record struct RejectedLines(string Reason, long Lines, string? Stream);
