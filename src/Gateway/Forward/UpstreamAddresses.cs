// Which distributor gets the next push. Without this a pod that restarts costs every third push of three pods a failure until DNS forgets it, and a slow pod holds as
// many pushes as a fast one.
using System.Net;

namespace LokiGateway.Gateway.Forward;

/// <summary>
/// The addresses behind the name: the one with the fewest pushes in flight is next, in turn among equals. One that fails is left out for a time that doubles from
/// <see cref="EjectedFirst"/> to <see cref="EjectedMax"/>; then a single push probes it. When all are left out, all are tried again: whether Loki as a whole is down is
/// the circuit breaker's question. Thread-safe; one short lock per push, nothing is allocated per push.
/// </summary>
/// <param name="newHttp">Makes the connections to an address; they are closed when it is gone and its last push is back.</param>
/// <param name="time">Measures the times out.</param>
internal sealed class UpstreamAddresses(Func<IPAddress, HttpMessageInvoker> newHttp, TimeProvider time) : IDisposable
{
    /// <summary>More distributors than any Loki has; a name with more addresses is cut, so that one bad answer of a DNS server takes no memory.</summary>
    public const int AddressesMax = 256;

    /// <summary>A timeout or a 503 may be the push's own fault or a hiccup; so many in a row are not. No connection needs no second look.</summary>
    public const int FailuresInARowMax = 3;

    /// <summary>Shorter than any pod takes to come back: the first probes cost little, because a refused connection costs no push.</summary>
    public static readonly TimeSpan EjectedFirst = TimeSpan.FromSeconds(1);

    /// <summary>A pod that is back must carry its share again soon.</summary>
    public static readonly TimeSpan EjectedMax = TimeSpan.FromSeconds(60);

    /// <summary>One that fails again sooner than this after its return is left out longer than before.</summary>
    private static readonly TimeSpan ForgivenAfter = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private UpstreamAddress[] _all = [];
    private long _turn;

    public int Count
    {
        get
        {
            lock (_lock) return _all.Length;
        }
    }

    public int EjectedCount
    {
        get
        {
            lock (_lock) return _all.Count(static one => one.IsEjected);
        }
    }

    /// <summary>Takes on what DNS says now: those that stay keep their connections and their standing. Returns how many came and went.</summary>
    public (int Came, int Went) Change(IEnumerable<IPAddress> found)
    {
        List<UpstreamAddress> unused = [];
        int came = 0, went = 0;
        lock (_lock)
        {
            // Sorted, so that a cut is the same one at every look.
            IPAddress[] wanted = [.. found.Distinct().OrderBy(static ip => ip.ToString(), StringComparer.Ordinal).Take(AddressesMax)];
            Dictionary<IPAddress, UpstreamAddress> known = _all.ToDictionary(static one => one.Ip);
            var next = new UpstreamAddress[wanted.Length];
            for (int i = 0; i < wanted.Length; i++)
            {
                if (known.Remove(wanted[i], out UpstreamAddress? stays))
                {
                    next[i] = stays;
                    continue;
                }

                next[i] = new UpstreamAddress(wanted[i], newHttp(wanted[i]));
                came++;
            }

            foreach (UpstreamAddress gone in known.Values)
            {
                gone.IsGone = true;
                went++;
                if (gone.InFlight == 0) unused.Add(gone);
            }

            _all = next;
        }

        foreach (UpstreamAddress one in unused) one.Http.Dispose();
        return (came, went);
    }

    /// <summary>
    /// The address for the next push, or for the second try of one that must not go to <paramref name="failed"/> again. Null when there is none. Pair with
    /// <see cref="Return"/>.
    /// </summary>
    public AddressLease? Take(UpstreamAddress? failed = null)
    {
        lock (_lock)
        {
            long now = time.GetTimestamp();
            UpstreamAddress? best = null, due = null, least = null;
            foreach (UpstreamAddress one in _all)
            {
                if (one == failed) continue;
                if (!one.IsEjected)
                {
                    if (IsBefore(one, best)) best = one;
                    continue;
                }

                if (!one.IsProbed && one.EjectedUntil <= now && (due is null || one.EjectedUntil < due.EjectedUntil)) due = one;
                if (IsBefore(one, least)) least = one;
            }

            // A second try goes where it will succeed: probing is for pushes that have all their tries left.
            UpstreamAddress? chosen = failed is null ? due ?? best ?? least : best ?? due ?? least;
            if (chosen is null) return null;
            bool isProbe = chosen == due;
            if (isProbe) chosen.IsProbed = true;
            chosen.InFlight++;
            chosen.LastTurn = ++_turn;
            return new AddressLease(chosen, chosen.Ejections, isProbe);
        }
    }

    /// <summary>Gives a lease back with what the push has found out. Returns what it changed, and for how long.</summary>
    public AddressChange Return(in AddressLease lease, AddressOutcome outcome, out TimeSpan ejectedFor)
    {
        UpstreamAddress one = lease.Address;
        AddressChange change;
        bool isUnused;
        lock (_lock)
        {
            one.InFlight--;
            if (lease.IsProbe) one.IsProbed = false;
            isUnused = one.IsGone && one.InFlight == 0;
            // A push that went before an ejection says nothing about the time behind it; and an address that is gone has no future.
            change = one.IsGone || lease.Ejections != one.Ejections ? AddressChange.None : Judge(one, lease.IsProbe, outcome);
            ejectedFor = change == AddressChange.Ejected ? TimeOut(one.Level) : TimeSpan.Zero;
        }

        if (isUnused) one.Http.Dispose();
        return change;
    }

    public void Dispose()
    {
        foreach (UpstreamAddress one in _all) one.Http.Dispose();
    }

    /// <summary>Fewer pushes in flight; among equals, longer not chosen.</summary>
    private static bool IsBefore(UpstreamAddress one, UpstreamAddress? other) =>
        other is null || one.InFlight < other.InFlight || (one.InFlight == other.InFlight && one.LastTurn < other.LastTurn);

    private AddressChange Judge(UpstreamAddress one, bool isProbe, AddressOutcome outcome)
    {
        if (outcome == AddressOutcome.Answered)
        {
            one.Failures = 0;
            if (!one.IsEjected) return AddressChange.None;
            one.IsEjected = false;
            one.RestoredAt = time.GetTimestamp();
            return AddressChange.Restored;
        }

        // While all are ejected they are tried all the same; what such a try finds does not put off the probe.
        if (one.IsEjected && !isProbe) return AddressChange.None;
        if (!one.IsEjected && outcome != AddressOutcome.NoConnection && ++one.Failures < FailuresInARowMax) return AddressChange.None;
        bool isSoon = one.IsEjected || (one.RestoredAt is { } back && time.GetElapsedTime(back) < ForgivenAfter);
        one.Level = isSoon ? one.Level + 1 : 0;
        one.IsEjected = true;
        one.Ejections++;
        one.Failures = 0;
        one.EjectedUntil = time.GetTimestamp() + (long)(TimeOut(one.Level).TotalSeconds * time.TimestampFrequency);
        return AddressChange.Ejected;
    }

    private static TimeSpan TimeOut(int level) => TimeSpan.FromSeconds(Math.Min(EjectedMax.TotalSeconds, EjectedFirst.TotalSeconds * Math.Pow(2, Math.Min(level, 16))));
}
