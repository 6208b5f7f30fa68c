namespace LokiGateway.Shipper.Send;

/// <summary>What one answer means for the push that it answers. Closed: every status, text and transport failure is one of these.</summary>
internal enum DeliveryOutcome
{
    /// <summary>Stored.</summary>
    Acknowledged,

    /// <summary>Passing trouble on the other side (408, 429, 5xx, no connection, no answer in time): the same bytes again, for ever.</summary>
    Retry,

    /// <summary>
    /// Somebody must change something (a token, a URL, a blocked tenant: 260, 401, 403, 404, 405 and their kind). Tried again slowly, said loudly,
    /// nothing given up: a rotated secret must not cost data.
    /// </summary>
    Hold,

    /// <summary>Too large for a hop behind the endpoint (413, 5xx "larger than max"): it goes in two halves.</summary>
    TooLarge,

    /// <summary>
    /// Named streams are over a limit of theirs (active streams, rate per stream) and the tenant is not: they are taken out and tried again later,
    /// alone, so that they hold nothing else up.
    /// </summary>
    StreamsRefused,

    /// <summary>Named entries were refused for good and the others stored.</summary>
    PartlyRejected,

    /// <summary>The whole request was refused for what it holds (400): the entry that is at fault is searched for by halving.</summary>
    Refused,
}
