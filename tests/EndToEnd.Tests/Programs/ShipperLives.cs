// A crash may send again what was not yet saved, and nothing else. The lives of a shipper are recorded here, each with what it had saved when
// it was killed, and held against what the sink stored.
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.Programs;

/// <summary>One shipper that lives several times. One thread.</summary>
internal sealed class ShipperLives(ShipperSetup setup)
{
    private static readonly TimeSpan LookPeriod = TimeSpan.FromMilliseconds(100);

    private readonly List<Life> _lives = [];

    /// <summary>One life; SavedUntil: whatever was stored before was decided, and seen to be on disk.</summary>
    private sealed record Life(DateTimeOffset Start, DateTimeOffset SavedUntil, DateTimeOffset Killed);

    /// <summary>How many stored entries the last <see cref="SentAgain"/> knew to be saved.</summary>
    public int Saved { get; private set; }

    /// <summary>Some life was seen to have something on disk: on a machine that is busy with other things that takes more than one.</summary>
    public bool HasSaved => _lives.Exists(static life => life.SavedUntil > life.Start);

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
    /// What one life was told to be stored, and has saved, no later life sends again: those that were nevertheless.
    /// </summary>
    public IReadOnlyList<string> SentAgain(IReadOnlyList<StoredEntry> stored)
    {
        var last = new Dictionary<(string, long, string), StoredEntry>();
        foreach (var entry in stored) last[(entry.Labels, entry.UnixNanos, entry.Line)] = entry;
        var again = new List<string>();
        Saved = 0;
        foreach (var life in _lives)
        {
            foreach (var entry in stored)
            {
                if (!entry.Acknowledged) continue;
                // The position stays at the first part of a line until its last came, and this one lies between them.
                if (entry.Line.EndsWith("between the parts", StringComparison.Ordinal)) continue;
                if (entry.StoredAt < life.Start || entry.StoredAt >= life.SavedUntil) continue;
                Saved++;
                var latest = last[(entry.Labels, entry.UnixNanos, entry.Line)];
                if (latest.StoredAt <= life.Killed) continue;
                again.Add($"push {entry.Request}, again {latest.Request}, acknowledged at {entry.StoredAt:O}, saved at {life.SavedUntil:O}, sent again at {latest.StoredAt:O} " +
                          $"after the kill at {life.Killed:O}: {entry.Line}");
            }
        }
        return again;
    }

    /// <summary>
    /// A position moves when the whole batch is decided, and of one that was halved the first part may have been stored long before the last. But a batch
    /// whose first entry is younger than an answer was begun after it: so what was stored before the oldest undecided batch began is decided, and when
    /// everything decided by then is known to be on disk, it is saved.
    /// </summary>
    private async Task<DateTimeOffset> WatchCheckpointAsync(DateTimeOffset end)
    {
        var savedUntil = DateTimeOffset.MinValue;
        var looks = new Queue<(DateTimeOffset At, DateTimeOffset DecidedUntil)>();
        while (DateTimeOffset.UtcNow < end)
        {
            var now = DateTimeOffset.UtcNow;
            try
            {
                var page = await setup.MetricsAsync();
                looks.Enqueue((now, now - TimeSpan.FromSeconds(page.Sum("loki_shipper_lag_seconds"))));
                var onDisk = DateTimeOffset.FromUnixTimeMilliseconds((long)(page.Sum("loki_shipper_checkpoint_timestamp_seconds") * 1000));
                while (looks.TryPeek(out var look) && look.At <= onDisk)
                {
                    if (look.DecidedUntil > savedUntil) savedUntil = look.DecidedUntil;
                    looks.Dequeue();
                }
            }
            catch (HttpRequestException)
            {
                // Still starting.
            }
            var left = end - DateTimeOffset.UtcNow;
            if (left > TimeSpan.Zero) await Task.Delay(left < LookPeriod ? left : LookPeriod);
        }
        return savedUntil;
    }
}
