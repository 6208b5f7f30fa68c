// What came of sending a push to Loki, as a value that blames the right side.
using System.Text;
using LokiGateway.Protocol.Push;

namespace LokiGateway.Gateway.Forward;

internal enum UpstreamResult
{
    /// <summary>Loki answered, with whatever status.</summary>
    Answered,

    /// <summary>No connection: nothing was sent.</summary>
    Unreachable,

    /// <summary>The breaker is open: nothing was sent.</summary>
    BreakerOpen,

    /// <summary>As many pushes are at Loki as may be: nothing was sent.</summary>
    TooManyInFlight,

    /// <summary>No answer in time. Loki may have stored the push.</summary>
    TimedOut,

    /// <summary>The connection broke, or what came is no HTTP. Loki may have stored the push.</summary>
    Broken,
}

/// <summary>Loki's answer, or why there is none.</summary>
internal readonly record struct UpstreamAnswer(UpstreamResult Result)
{
    /// <summary>For a push of which nothing is left to send: as if Loki had taken it.</summary>
    public static readonly UpstreamAnswer NothingToSend = new(UpstreamResult.Answered) { Status = 204 };

    private readonly byte[]? _body;

    public int Status { get; init; }

    public byte[] Body
    {
        get => _body ?? [];
        init => _body = value;
    }

    public string? ContentType { get; init; }

    public string? RetryAfter { get; init; }

    /// <summary>For the log; never shown to an agent.</summary>
    public string? Detail { get; init; }

    /// <summary>For <see cref="UpstreamResult.BreakerOpen"/>: until the breaker lets the next push try.</summary>
    public TimeSpan? Wait { get; init; }

    /// <summary>Loki says it has the entries. 260 is "blocked", its invention, and means the opposite.</summary>
    public bool IsStored => Result == UpstreamResult.Answered && Status is >= 200 and < 300 and not 260;

    /// <summary>Of so many lines that were sent, those that Loki has: of a push that is refused in part, those that its text does not count as refused.</summary>
    public int AckedOf(int lines)
    {
        if (IsStored) return lines;
        if (Result != UpstreamResult.Answered || Status != 400 || !LokiRejection.TryParse(Text, out var rejections)) return 0;
        return (int)(lines - Math.Min(lines, rejections.Sum(static rejection => rejection.Entries)));
    }

    /// <summary>A distributor's 500 about its ingesters' bound on messages: the same push will fail again.</summary>
    public bool IsTooLargeForIngesters => Result == UpstreamResult.Answered && Status == 500 && Body.AsSpan().IndexOf("message larger than max"u8) >= 0;

    /// <summary>The body as text, without the newline at its end.</summary>
    public string Text => Encoding.UTF8.GetString(Body).TrimEnd('\n');

    /// <summary>Loki refused the push before it stored anything of it: nobody answers 503 for a push that has begun to be written.</summary>
    public bool IsRefusedWhole => Result == UpstreamResult.Answered && Status == 503;

    /// <summary>
    /// What the breaker counts. Not 500: Loki answers that to one tenant's oversized push as well, and one tenant must not close the door for the others.
    /// </summary>
    public bool IsOutage => Result is UpstreamResult.Unreachable or UpstreamResult.TimedOut or UpstreamResult.Broken
        || (Result == UpstreamResult.Answered && Status is 502 or 503 or 504);
}
