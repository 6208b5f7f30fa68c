namespace LokiGateway.Shipper;

/// <summary>How a lane's turn with one file ended.</summary>
internal enum FileTurn
{
    /// <summary>Lines were framed, there may be more.</summary>
    HadData,

    /// <summary>Held back: an older generation first, its tenant has no room, or the read rate is used up.</summary>
    Waits,

    /// <summary>Nothing more now.</summary>
    AtEnd,

    /// <summary>The read failed; tried again later.</summary>
    Failed,

    /// <summary>Nothing more ever; the lane lets it go.</summary>
    Ended,
}
