// How Loki answers: in figures of the last minute, and the last failures in its own words, because "503" alone sends a person to three dashboards.
using System.Globalization;
using System.Text;
using LokiGateway.Gateway.Account;
using LokiGateway.Gateway.Forward;

namespace LokiGateway.Gateway.Observe;

/// <summary>One failure, as often as it came in a row.</summary>
/// <param name="At">The last time.</param>
/// <param name="What">Loki's status, or why there was none.</param>
/// <param name="Detail">The beginning of what Loki or the network said.</param>
/// <param name="Times">How often in a row.</param>
internal sealed record UpstreamFailure(DateTime At, string What, string Detail, long Times);

/// <summary>Told of every push that went to Loki. Thread-safe; takes a lock for failures only.</summary>
internal sealed class UpstreamHealth(TimeProvider time)
{
    public const int FailuresKept = 8;

    private const int DetailCharsMax = 240;

    /// <summary>Upper bounds of the waits, in seconds; longer ones count to the last.</summary>
    private static readonly double[] Waits = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];

    private readonly Lock _gate = new();
    private readonly List<UpstreamFailure> _failures = [];
    private readonly RecentCount[] _waits = [.. Waits.Select(static _ => new RecentCount())];
    private long _breakerChangedAt = time.GetUtcNow().UtcTicks;
    private int _breakerOpen;

    /// <summary>Pushes that were sent, answered or not.</summary>
    public RecentCount Sent { get; } = new();

    /// <summary>Of these, pushes without an answer or with one of 500 and above.</summary>
    public RecentCount Failed { get; } = new();

    /// <summary>Pushes that were not sent: the breaker was open, or too many were on their way.</summary>
    public RecentCount NotSent { get; } = new();

    public bool IsBreakerOpen => Volatile.Read(ref _breakerOpen) == 1;

    public DateTime BreakerChangedAt => new(Volatile.Read(ref _breakerChangedAt), DateTimeKind.Utc);

    /// <summary>The newest first.</summary>
    public IReadOnlyList<UpstreamFailure> Failures
    {
        get
        {
            lock (_gate) return [.. _failures];
        }
    }

    public void SetBreakerOpen(bool isOpen)
    {
        if (Interlocked.Exchange(ref _breakerOpen, isOpen ? 1 : 0) != (isOpen ? 1 : 0)) Volatile.Write(ref _breakerChangedAt, time.GetUtcNow().UtcTicks);
    }

    public void Observe(in UpstreamAnswer answer, TimeSpan wait)
    {
        if (answer.Result is UpstreamResult.BreakerOpen or UpstreamResult.TooManyInFlight)
        {
            NotSent.Add(1);
            return;
        }

        Sent.Add(1);
        int bucket = Array.FindIndex(Waits, bound => wait.TotalSeconds <= bound);
        _waits[bucket < 0 ? ^1 : bucket].Add(1);
        if (answer.Result == UpstreamResult.Answered && answer.Status < 500) return;
        Failed.Add(1);
        Keep(GatewayMetrics.StatusOf(answer), DetailOf(answer));
    }

    public void Look(int slot)
    {
        foreach (RecentCount count in _waits.Append(Sent).Append(Failed).Append(NotSent)) count.Look(slot);
    }

    /// <summary>So many seconds, at most, that part of the pushes since a look has waited; null: there were none.</summary>
    public double? WaitOf(double part, int slot)
    {
        long[] counts = [.. _waits.Select(count => count.Since(slot))];
        long all = counts.Sum(), seen = 0;
        if (all == 0) return null;
        for (int i = 0; i < counts.Length; i++)
        {
            seen += counts[i];
            if (seen >= part * all) return Waits[i];
        }

        return Waits[^1];
    }

    private void Keep(string what, string detail)
    {
        DateTime now = time.GetUtcNow().UtcDateTime;
        lock (_gate)
        {
            if (_failures is [var last, ..] && last.What == what && last.Detail == detail)
            {
                _failures[0] = last with { At = now, Times = last.Times + 1 };
                return;
            }

            if (_failures.Count == FailuresKept) _failures.RemoveAt(FailuresKept - 1);
            _failures.Insert(0, new UpstreamFailure(now, what, detail, 1));
        }
    }

    private static string DetailOf(in UpstreamAnswer answer)
    {
        string text = answer.Detail ?? Encoding.UTF8.GetString(answer.Body.AsSpan(0, Math.Min(answer.Body.Length, 2 * DetailCharsMax)));
        text = text.Trim();
        return text.Length <= DetailCharsMax ? text : string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, DetailCharsMax)}…");
    }
}
