// Why a push did not go through, as a value that blames a side. Every stage answers with it; Reply alone knows which status it becomes.
namespace LokiGateway.Gateway;

/// <summary>The reasons, by the side that has to do something about it.</summary>
internal enum RefusalKind
{
    // The agent: sending the same again will fail again.
    WrongMethod,
    UnknownRoute,
    NoTenant,
    BadTenant,
    Unauthenticated,
    Forbidden,
    BadRequest,
    TooLarge,

    // The tenant's limits, set by the operator.
    Blocked,
    RateLimited,
    StreamLimited,

    // The gateway, for the moment.
    Overloaded,
    Draining,

    // Loki, for the moment.
    UpstreamUnreachable,
    UpstreamTimeout,
    UpstreamBroken,

    // The agent went away before it could be answered.
    ClientGone,

    // The gateway itself is wrong.
    Bug,
}

/// <summary>One refusal and the text for the agent, without a newline at its end.</summary>
internal sealed record Refusal(RefusalKind Kind, string Text)
{
    /// <summary>When to come again; null when there is nothing to say about it.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What to do about it, where Loki's text does not say; null: nothing to add. ASCII, for a header.</summary>
    public string? Hint { get; init; }

    /// <summary>Values of WWW-Authenticate: how the caller could prove who it is.</summary>
    public string[] Challenges { get; init; } = [];

    /// <summary>For <see cref="RefusalKind.Blocked"/> only: the status the operator configured.</summary>
    public int BlockedStatus { get; init; }
}
