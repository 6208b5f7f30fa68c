namespace LokiGateway.Operations.Completeness;

/// <summary>What is audited, and within which bounds.</summary>
internal sealed record AuditOptions
{
    /// <summary>Below it a tenant is not complete.</summary>
    public decimal Threshold { get; init; } = 0.95m;

    /// <summary>Minutes younger than that are not audited: a record of the ledger follows its minute by up to 35 seconds.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>A LogQL stream selector of what the shippers write; null: every stream that has a label.</summary>
    public string? Selector { get; init; }

    /// <summary>The labels that make the name of a container's source.</summary>
    public IReadOnlyList<string> SourceLabels { get; init; } = ["namespace", "pod", "container"];

    /// <summary>The label or structured metadata with the path of a host log.</summary>
    public string FileLabel { get; init; } = "filename";

    /// <summary>Records of the ledger in memory, packed; what is more goes to <see cref="ScratchDirectory"/>.</summary>
    public long LedgerBytesMax { get; init; } = 64 << 20;

    public string ScratchDirectory { get; init; } = Path.GetTempPath();

    /// <summary>Differences that are listed; more are counted.</summary>
    public int DifferencesMax { get; init; } = 100_000;
}
