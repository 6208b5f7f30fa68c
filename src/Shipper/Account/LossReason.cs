namespace LokiGateway.Shipper.Account;

/// <summary>
/// Why lines were gone before they could be read. Closed: whoever gives something up chooses one of these, and its text is the label
/// <c>reason</c> of lost_lines_total and lost_bytes_total.
/// </summary>
internal enum LossReason
{
    /// <summary>The node deleted the file, or a generation of it, with unread bytes.</summary>
    DeletedBeforeRead,

    /// <summary>We held a deleted file open and gave it up for another: limits.deleted_files_bytes.</summary>
    DeletedFilesBound,

    /// <summary>The file was emptied (copytruncate) with unread bytes in it, and no copy of them was found.</summary>
    TruncatedBeforeRead,

    /// <summary>A rotated generation is there, and what it holds cannot be had: a damaged .gz.</summary>
    UnreadableGeneration,
}

internal static class LossReasons
{
    public static IReadOnlyList<LossReason> All { get; } = Enum.GetValues<LossReason>();

    /// <summary>The reason as metrics, log and pages spell it.</summary>
    public static string Text(this LossReason reason) => reason switch
    {
        LossReason.DeletedBeforeRead => "deleted_before_read",
        LossReason.DeletedFilesBound => "deleted_files_bound",
        LossReason.TruncatedBeforeRead => "truncated_before_read",
        LossReason.UnreadableGeneration => "unreadable_generation",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "a loss without a name"),
    };
}
