namespace LokiGateway.Operations.Completeness;

/// <summary>Lines of a tenant, a cluster or a namespace.</summary>
internal sealed class AuditSums
{
    /// <summary>Acknowledged by Loki, as the ledger says.</summary>
    public long Acked { get; set; }

    /// <summary>Of these not returned by Loki, and nobody knows why.</summary>
    public long Missing { get; set; }

    /// <summary>Of these not returned because the ledger had to share refused lines out.</summary>
    public long Estimated { get; set; }

    /// <summary>Of these kept once by Loki for being equal.</summary>
    public long Duplicates { get; set; }

    public long Rejected { get; set; }

    public long Lost { get; set; }

    /// <summary>Returned by Loki beyond what the ledger says, unexplained.</summary>
    public long Extra { get; set; }

    /// <summary>Returned by Loki behind the end of a source's ledger.</summary>
    public long LedgerBehind { get; set; }

    /// <summary>What was written on the nodes and should be in Loki: acknowledged once each, refused, and lost.</summary>
    public long Expected => Acked - Duplicates + Rejected + Lost;

    /// <summary>What of it is.</summary>
    public long Present => Acked - Duplicates - Missing - Estimated;

    /// <summary>1 where nothing is expected.</summary>
    public double Ratio => Expected == 0 ? 1 : (double)Present / Expected;

    /// <summary>Exactly, so that a ratio that is rounded to the threshold is not taken for it.</summary>
    public bool IsUnder(decimal threshold) => Present < threshold * Expected;

    public void Add(in Difference difference)
    {
        switch (difference.Kind)
        {
            case DifferenceKind.Missing: Missing += difference.Lines; break;
            case DifferenceKind.Extra: Extra += difference.Lines; break;
            case DifferenceKind.Duplicates: Duplicates += difference.Lines; break;
            case DifferenceKind.Estimated when difference.Loki < difference.Ledger: Estimated += difference.Lines; break;
            case DifferenceKind.Estimated: break;
            case DifferenceKind.LedgerBehind: LedgerBehind += difference.Lines; break;
            case DifferenceKind.Rejected: Rejected += difference.Lines; break;
            case DifferenceKind.Lost: Lost += difference.Lines; break;
            default: throw new ArgumentOutOfRangeException(nameof(difference), difference.Kind, null);
        }
    }
}
