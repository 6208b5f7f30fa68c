namespace LokiGateway.Shipper.Batch;

/// <summary>
/// The times that Loki can take for entries of a stream, renewed with every pass of the lane; looked at once per entry, so it is one subtraction and one
/// comparison. Lane only.
/// </summary>
internal sealed class EntryWindow
{
    private long _oldest = long.MinValue;
    private ulong _length = ulong.MaxValue;

    /// <summary>Takes nothing: for a stream that Loki refuses for its labels.</summary>
    public static EntryWindow Nothing { get; } = new() { _length = 0 };

    /// <summary>For batches that are built without a lane.</summary>
    public static EntryWindow Everything { get; } = new();

    /// <summary>Unix nanoseconds of the oldest entry that may be taken.</summary>
    public long Oldest => _oldest;

    /// <param name="oldest">Unix nanoseconds.</param>
    /// <param name="newest">Not before <paramref name="oldest"/>.</param>
    public void Set(long oldest, long newest) => (_oldest, _length) = (oldest, (ulong)(newest - oldest));

    /// <summary>Whether an entry of this time may be taken. The difference of what is too old wraps around and is too large.</summary>
    public bool Has(long unixNanos) => (ulong)(unixNanos - _oldest) < _length;
}
