// A count with a memory of one minute. Prometheus works rates out of two scrapes; a person who opens the status page at night wants to see at once what is going on
// now, and a figure since the start of the process does not say it.
using System.Runtime.CompilerServices;

namespace LokiGateway.Gateway.Account;

/// <summary>Counted from any thread without a lock; looked at every <see cref="LookPeriod"/> by one. 80 bytes.</summary>
internal sealed class RecentCount
{
    /// <summary>The oldest of them is between 60 and 70 seconds old.</summary>
    public const int Looks = 7;

    public static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(10);

    private LookValues _looks;
    private long _total;

    /// <summary>Since it was made.</summary>
    public long Total => Volatile.Read(ref _total);

    public void Add(long count) => Interlocked.Add(ref _total, count);

    /// <summary>Remembers the count of now.</summary>
    public void Look(int slot) => Volatile.Write(ref _looks[slot], Total);

    /// <summary>What came since that look; one that was before this count was made found 0.</summary>
    public long Since(int slot) => Math.Max(0, Total - Volatile.Read(ref _looks[slot]));

    [InlineArray(Looks)]
    private struct LookValues
    {
        private long _first;
    }
}
