namespace LokiGateway.Shipper.Send;

/// <summary>What became of the lines of one push; <see cref="Acked"/> + <see cref="Rejected"/> is all of them.</summary>
/// <param name="Acked">Lines that Loki took.</param>
/// <param name="Rejected">Lines that Loki refused for good.</param>
/// <param name="RejectedByReason">The same by reason, in Loki's reason words; null when nothing was rejected.</param>
internal readonly record struct DeliveryResult(long Acked, long Rejected, IReadOnlyDictionary<string, long>? RejectedByReason);
