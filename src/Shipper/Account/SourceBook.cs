using LokiGateway.Shipper.Batch;

namespace LokiGateway.Shipper.Account;

/// <summary>
/// The books of one source (a container, or a host log) of one tenant. Everything in it is guarded by the lock of its <see cref="TenantAccount"/>.
/// Invariant there: Read = Acked + Rejected + InFlight, where InFlight is what went into batches minus what left them, by the batches' own count.
/// </summary>
internal sealed class SourceBook(string name) : EntrySource
{
    public string Name { get; } = name;

    internal long Read;
    internal long Acked;
    internal long InFlight;
    internal ReasonCounts Rejected;
    internal ReasonCounts Lost;
    internal bool RejectedEstimated;
    internal bool LostEstimated;

    /// <summary>Files of it that a lane has open.</summary>
    internal int Files;

    // Times of the first chunk of it in the open batch and in the one on its way, Unix nanoseconds; 0: none.
    internal long OpenSince;
    internal long SentSince;

    /// <summary>Since when it has unread bytes and nothing in flight, Unix nanoseconds; 0: it has not. Only the report knows it.</summary>
    internal long WaitsSince;
}
