namespace LokiGateway.Operations.Completeness;

/// <summary>Why the ledger and Loki say different numbers. The first two are findings; the others have a name.</summary>
internal enum DifferenceKind
{
    /// <summary>Loki acknowledged these lines and does not return them.</summary>
    Missing,

    /// <summary>Loki returns more lines than any shipper was told to have delivered.</summary>
    Extra,

    /// <summary>The same file content on several nodes, or read under two names: of equal lines of one stream and time Loki keeps one.</summary>
    Duplicates,

    /// <summary>Which lines of a push were refused was not told, so that the ledger had to share them out.</summary>
    Estimated,

    /// <summary>Loki has lines behind the end of what the ledger says of this source: its shipper was stopped, or has not come to it.</summary>
    LedgerBehind,

    /// <summary>Loki refused these lines for good, and the ledger says why.</summary>
    Rejected,

    /// <summary>These lines were gone before they could be read, and the ledger says why.</summary>
    Lost,
}

/// <summary>How the kinds are spelled in JSON, CSV and tables.</summary>
internal static class DifferenceKinds
{
    public static bool IsExplained(this DifferenceKind kind) => kind is not (DifferenceKind.Missing or DifferenceKind.Extra);

    public static string Text(this DifferenceKind kind) => kind switch
    {
        DifferenceKind.Missing => "missing",
        DifferenceKind.Extra => "extra",
        DifferenceKind.Duplicates => "duplicates",
        DifferenceKind.Estimated => "estimated",
        DifferenceKind.LedgerBehind => "ledger_behind",
        DifferenceKind.Rejected => "rejected",
        DifferenceKind.Lost => "lost",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
