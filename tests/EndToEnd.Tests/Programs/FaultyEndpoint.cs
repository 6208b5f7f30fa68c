// An endpoint that goes through everything that a Loki in trouble does to its senders, a few seconds each, with a good while between two
// troubles, so that a run of a minute has seen them all.
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.Programs;

/// <summary>Answers for a <see cref="FaultSink"/> by the time that has passed. Any thread.</summary>
internal sealed class FaultyEndpoint(int seed)
{
    private static readonly TimeSpan TroubleLength = TimeSpan.FromSeconds(4);

    private readonly DateTimeOffset _startedAt = DateTimeOffset.UtcNow;
    private volatile bool _isHealed;

    /// <summary>One of ten lines, always the same ones, is what Loki would not take (too old, too long, ...).</summary>
    public static bool IsRefused(string line) => line.Length > 11 && line[11] == '7';

    /// <summary>From now on it works.</summary>
    public void Heal() => _isHealed = true;

    /// <summary>What to answer now.</summary>
    public SinkAnswer Answer(PushReceived push)
    {
        var slot = SlotOf(DateTimeOffset.UtcNow);
        if (_isHealed || IsGood(slot)) return SinkAnswer.Ok;
        return ((slot / 2 + seed) % 8) switch
        {
            0 => SinkAnswer.Refuse(500, "rpc error: code = Unavailable desc = at least 2 live replicas required, could only find 1\n"),
            1 => SinkAnswer.RateLimited(),
            // Only some stall: a sender that has to wait for its timeout each time would see nothing else of this slot.
            2 => push.Number % 4 == 0 ? SinkAnswer.Stall : SinkAnswer.SlowAnswer(TimeSpan.FromMilliseconds(50)),
            3 => SinkAnswer.DropAfterReading(stored: push.Number % 2 == 0),
            4 => SinkAnswer.StoredThen(500),
            5 => SinkAnswer.Partial(static (_, entry) => IsRefused(entry.Line)),
            6 => WithoutStderr(push),
            _ => push.Number % 3 == 0 ? SinkAnswer.CloseInMiddleOfAnswer() : SinkAnswer.DropAfterReading(),
        };
    }

    /// <summary>The tenant has as many streams as it may, and those of stderr came last.</summary>
    private static SinkAnswer WithoutStderr(PushReceived push)
    {
        string[] refused = [.. push.Decode().Streams.Select(static stream => stream.Labels).Where(IsStderr)];
        return refused.Length == 0 ? SinkAnswer.Ok : SinkAnswer.StreamLimited(IsStderr, refused);
    }

    private static bool IsStderr(string labels) => labels.Contains("stderr", StringComparison.Ordinal);

    private int SlotOf(DateTimeOffset time) => (int)((time - _startedAt) / TroubleLength);

    private static bool IsGood(int slot) => slot % 2 == 0;
}
