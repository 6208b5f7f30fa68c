namespace LokiGateway.Shipper.Send;

/// <summary>
/// What became of the lines of one push; <see cref="Acked"/> + <see cref="Rejected"/> + the lines of <see cref="Parked"/> is all of them.
/// </summary>
/// <param name="Acked">Lines that Loki took.</param>
/// <param name="Rejected">Lines that Loki refused for good.</param>
/// <param name="RejectedByReason">The same by reason, in Loki's reason words; null when nothing was rejected.</param>
/// <param name="Parked">Streams that the stream limit keeps out for now, in pushes of their own; null when there are none.</param>
/// <param name="RejectedIn">What <see cref="Rejected"/> is made of, with the streams as far as they were told; null when nothing was rejected.</param>
internal readonly record struct DeliveryResult(
    long Acked, long Rejected, IReadOnlyDictionary<string, long>? RejectedByReason, IReadOnlyList<ParkedPush>? Parked = null,
    IReadOnlyList<RejectedLines>? RejectedIn = null);

/// <summary>Streams of a push that were refused while the rest of it went through: they are tried again later, alone.</summary>
/// <param name="Body">Their entries.</param>
/// <param name="Labels">Their label texts.</param>
/// <param name="RetryAfter">What the other side asked for; null: nothing.</param>
internal sealed record ParkedPush(PushBody Body, IReadOnlySet<string> Labels, TimeSpan? RetryAfter);
