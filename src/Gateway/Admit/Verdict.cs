// The outcome of the limits for one push.
using LokiGateway.Protocol.Push;

namespace LokiGateway.Gateway.Admit;

/// <summary>Refused as a whole, or admitted; admitted without some of its streams when <see cref="Partial"/> is set (the receiver disposes it).</summary>
internal readonly record struct Verdict(Refusal? Refusal, PushSummary Summary = default, RefusedStreams? Partial = null);
