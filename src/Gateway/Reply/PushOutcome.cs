using LokiGateway.Gateway.Forward;

namespace LokiGateway.Gateway.Reply;

/// <summary>What became of a push, before it is said in the words of the door that it came through.</summary>
/// <param name="Refusal">The gateway's own; null: Loki's answer counts.</param>
/// <param name="Answer">Loki's, or why there is none.</param>
/// <param name="RejectedStreams">Value of the header that names refused streams; null: none was refused.</param>
internal readonly record struct PushOutcome(Refusal? Refusal, UpstreamAnswer Answer = default, string? RejectedStreams = null)
{
    /// <summary>Lines that were judged: those of the push, without those of refused streams.</summary>
    public int Lines { get; init; }

    /// <summary>With a refusal for the stream limit: lines of the refused streams, and those that Loki refused of the others.</summary>
    public int RefusedLines { get; init; }
}
