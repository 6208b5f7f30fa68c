namespace LokiGateway.Shipper.Send;

/// <summary>
/// One sealed push as it goes over the wire. The memory belongs to the caller and must stay untouched until
/// <see cref="Delivery.DeliverAsync"/> has returned: a retry sends the same bytes, so that Loki can recognise what it already stored.
/// </summary>
/// <param name="Tenant">X-Scope-OrgID; null: none is sent.</param>
/// <param name="Compressed">Snappy block of a PushRequest.</param>
/// <param name="DecompressedLength">Bytes before compression.</param>
/// <param name="Lines">Entries in it.</param>
/// <param name="Streams">Streams in it.</param>
/// <param name="Stamp">Value of the X-Loki-Shipper header; null: none is sent.</param>
internal sealed record PushBody(string? Tenant, ReadOnlyMemory<byte> Compressed, int DecompressedLength, int Lines, int Streams, string? Stamp)
{
    /// <summary>It was refused before, and that was said: streams over a limit of theirs, tried again.</summary>
    public bool IsTriedAgain { get; init; }

    /// <summary>Whose memory it is, if somebody can make use of it while the push cannot be delivered.</summary>
    public PushOwner? Owner { get; init; }
}

/// <summary>The owner of a push's memory. Called between attempts, while nothing of it is being sent.</summary>
internal abstract class PushOwner
{
    /// <summary>The push fails again and again. Returns where its bytes are from now on.</summary>
    public abstract ReadOnlyMemory<byte> Stalled(ReadOnlyMemory<byte> compressed);

    /// <summary>It goes through again.</summary>
    public abstract void GoesOn();
}
