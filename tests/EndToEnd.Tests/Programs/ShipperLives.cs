// A crash may send again what was not yet saved, and nothing else. The lives of a shipper are recorded here, each with what it had saved when
// it was killed, and held against what the sink stored.
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.Programs;

/// <summary>One shipper that lives several times. One thread.</summary>
internal sealed class ShipperLives(ShipperSetup setup)
{
    // A shipper that has saved what it knows to be acknowledged at one moment has long heard of an answer that was given this much earlier.
    public static readonly TimeSpan AnswerSlack = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LookPeriod = TimeSpan.FromMilliseconds(100);

    private readonly List<Life> _lives = [];

    /// <summary>One life; SavedUntil: what was acknowledged before was seen to be on disk.</summary>
    private sealed record Life(DateTimeOffset Start, DateTimeOffset SavedUntil, DateTimeOffset Killed);

    /// <summary>Lives so far.</summary>
    public int Count => _lives.Count;

    /// <summary>Starts the shipper, ready or not lets it work for a while, and kills it with -9.</summary>
    public async Task LiveAndDieAsync(TimeSpan length)
    {
        var start = DateTimeOffset.UtcNow;
        await using var shipper = setup.Start();
        var saved = await WatchCheckpointAsync(start + length);
        if (shipper.HasExited) throw new InvalidOperationException($"It ended by itself. {shipper.Describe()}");
        await shipper.KillAsync();
        _lives.Add(new Life(start, saved, DateTimeOffset.UtcNow));
    }

    /// <summary>
    /// What one life was told to be stored, and has saved, no later life sends again: those that were nevertheless. <paramref name="counts"/>
    /// leaves out entries whose acknowledgement alone does not move a position: the rest of their batch may have waited.
    /// </summary>
    public IReadOnlyList<string> SentAgain(IReadOnlyList<StoredEntry> stored, Func<StoredEntry, bool>? counts = null)
    {
        var last = new Dictionary<(string, long, string), StoredEntry>();
        foreach (var entry in stored) last[(entry.Labels, entry.UnixNanos, entry.Line)] = entry;
        var again = new List<string>();
        foreach (var life in _lives)
        {
            foreach (var entry in stored)
            {
                if (!entry.Acknowledged || counts?.Invoke(entry) == false) continue;
                // The position stays at the first part of a line until its last came, and this one lies between them.
                if (entry.Line.EndsWith("between the parts", StringComparison.Ordinal)) continue;
                if (entry.StoredAt < life.Start || entry.StoredAt + AnswerSlack > life.SavedUntil) continue;
                var latest = last[(entry.Labels, entry.UnixNanos, entry.Line)];
                if (latest.StoredAt <= life.Killed) continue;
                again.Add($"push {entry.Request}, again {latest.Request}, acknowledged at {entry.StoredAt:O}, saved at {life.SavedUntil:O}, sent again at {latest.StoredAt:O} " +
                          $"after the kill at {life.Killed:O}: {entry.Line}");
            }
        }
        return again;
    }

    private async Task<DateTimeOffset> WatchCheckpointAsync(DateTimeOffset end)
    {
        double savedUntil = 0;
        while (DateTimeOffset.UtcNow < end)
        {
            try
            {
                savedUntil = Math.Max(savedUntil, (await setup.MetricsAsync()).Sum("loki_shipper_checkpoint_timestamp_seconds"));
            }
            catch (HttpRequestException)
            {
                // Still starting.
            }
            var left = end - DateTimeOffset.UtcNow;
            if (left > TimeSpan.Zero) await Task.Delay(left < LookPeriod ? left : LookPeriod);
        }
        return DateTimeOffset.FromUnixTimeMilliseconds((long)(savedUntil * 1000));
    }
}
