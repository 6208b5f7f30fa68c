namespace LokiGateway.LocalLoki.Store;

/// <summary>
/// Walks over entries of a snapshot without copying them. Only one cursor of a kind is alive at a time: starting the next one resets it.
/// The spans are SQLite's memory and live until the next <see cref="Next"/>.
/// </summary>
internal readonly struct EntryCursor
{
    private readonly SqliteStatement statement;

    public EntryCursor(SqliteStatement statement, long first, long second, long third)
    {
        this.statement = statement;
        statement.Reset();
        statement.Bind(1, first);
        statement.Bind(2, second);
        statement.Bind(3, third);
    }

    public long UnixNanos => statement.Long(0);

    public long Ordinal => statement.Long(1);

    public ReadOnlySpan<byte> Line => statement.Blob(2);

    /// <summary>See <see cref="MetadataBlob"/>; empty when there is none.</summary>
    public ReadOnlySpan<byte> Metadata => statement.Blob(3);

    public bool Next() => statement.Step();
}
