// Loki keeps one of two equal lines with an equal timestamp, so equal times must be told apart, and always in the same way: a re-sent line
// must get the timestamp that it had the first time.
namespace LokiGateway.Shipper.Frame;

/// <summary>
/// Times of one (file, stdout or stderr). A pure function of the lines seen so far: no clock, no randomness.
/// Guaranteed: assigned times grow strictly as long as the log's own clock does not step back by more than <see cref="StepBackNanosMax"/>.
/// Not guaranteed: uniqueness against lines before such a step.
/// </summary>
internal struct EntryClock(long original, long assigned) : IEquatable<EntryClock>
{
    /// <summary>
    /// Threads of one program write times a little out of order; within a second the order in the file is the better witness. A larger step is a
    /// clock that was set, and its times are taken as they are: one corrected hour must not be stamped with the wrong one.
    /// </summary>
    public const long StepBackNanosMax = 1_000_000_000;

    /// <summary>Time read from the last entry, Unix nanoseconds; 0 = none yet.</summary>
    public long Original = original;

    /// <summary>Time that the last entry was sent with, Unix nanoseconds; 0 = none yet.</summary>
    public long Assigned = assigned;

    /// <summary>The unique time of an entry that says <paramref name="original"/>.</summary>
    public long Next(long original)
    {
        Original = original;
        // One comparison decides the ordinary case, a time after the last one.
        if (original > Assigned || Assigned - original > StepBackNanosMax) return Assigned = original;
        return ++Assigned;
    }

    /// <summary>The time of an entry that has none: right behind the one before it, or <paramref name="readTime"/> if there is none.</summary>
    public long Follow(long readTime) => Assigned == 0 ? Next(readTime) : ++Assigned;

    public readonly bool Equals(EntryClock other) => Original == other.Original && Assigned == other.Assigned;

    public override readonly bool Equals(object? obj) => obj is EntryClock other && Equals(other);

    public override readonly int GetHashCode() => HashCode.Combine(Original, Assigned);
}
