namespace LokiGateway.Operations.Loki;

/// <summary>Whose fault it is that a request to Loki has no answer.</summary>
internal enum LokiFault
{
    /// <summary>No connection, no answer in time, 429 or 5xx, and again after every retry.</summary>
    Unavailable,

    /// <summary>401, 403: these credentials may not ask for this tenant.</summary>
    Denied,

    /// <summary>The answer would have more series than max_query_series: the same in parts may do.</summary>
    TooManySeries,

    /// <summary>Too long a range, too many bytes, too slow: the same in shorter ranges may do.</summary>
    TooLarge,

    /// <summary>Loki does not understand the request, or it is not Loki.</summary>
    Refused,

    /// <summary>A file with credentials or certificates cannot be used.</summary>
    Setup,
}

/// <summary>A request that has no answer, in one sentence that names the address and what to change.</summary>
internal sealed class LokiException : Exception
{
    public LokiException(LokiFault fault, string message, Exception? inner = null)
        : base(message, inner) => Fault = fault;

    public LokiException()
        : this(LokiFault.Unavailable, "Loki cannot be asked")
    {
    }

    public LokiException(string message)
        : this(LokiFault.Refused, message)
    {
    }

    public LokiException(string message, Exception inner)
        : this(LokiFault.Refused, message, inner)
    {
    }

    public LokiFault Fault { get; }

    /// <summary>The status of the last answer; null: there was none.</summary>
    public int? Status { get; init; }

    /// <summary>What the answer asked to wait; null: nothing.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
