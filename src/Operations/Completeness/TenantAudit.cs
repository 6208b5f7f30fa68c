namespace LokiGateway.Operations.Completeness;

/// <summary>What an audit can say of one tenant.</summary>
internal enum AuditVerdict
{
    /// <summary>The ratio is at the threshold or above.</summary>
    Complete,

    /// <summary>It is not.</summary>
    Incomplete,

    /// <summary>Nobody can tell: <see cref="TenantAudit.Why"/>.</summary>
    Unknown,
}

/// <summary>The result of auditing one tenant. Immutable.</summary>
internal sealed record TenantAudit
{
    public required string Tenant { get; init; }

    public required AuditPeriod Period { get; init; }

    public required AuditVerdict Verdict { get; init; }

    /// <summary>Why nobody can tell; null: somebody can.</summary>
    public string? Why { get; init; }

    public required AuditSums Total { get; init; }

    public IReadOnlyDictionary<(string Cluster, string Namespace), AuditSums> Namespaces { get; init; } = new Dictionary<(string, string), AuditSums>();

    public IReadOnlyList<Difference> Differences { get; init; } = [];

    /// <summary>Differences beyond the bound of what is listed.</summary>
    public long DifferencesNotListed { get; init; }

    /// <summary>Shippers that write a ledger into this tenant.</summary>
    public IReadOnlyList<LedgerNode> Nodes { get; init; } = [];

    /// <summary>Lines of sources that no ledger names.</summary>
    public long UnaccountedLines { get; init; }

    public IReadOnlyDictionary<SourceKey, long> UnaccountedSources { get; init; } = new Dictionary<SourceKey, long>();

    public long LedgerLines { get; init; }

    /// <summary>Ledger lines that are no records.</summary>
    public long UnusableLedgerLines { get; init; }

    public IReadOnlyList<string> UnusableExamples { get; init; } = [];

    /// <summary>When it was told, UTC.</summary>
    public required DateTime At { get; init; }
}
