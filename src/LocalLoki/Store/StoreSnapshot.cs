// What a query sees: one tenant's entries as of one commit. All reads of a query go through one snapshot, so that an answer written in
// two passes (find the entries, then fetch their lines) cannot disagree with itself while pushes arrive.

namespace LokiGateway.LocalLoki.Store;

/// <summary>Not thread-safe. Dispose ends the read transaction and gives the connection back.</summary>
internal sealed class StoreSnapshot : IDisposable
{
    private readonly StoreReader reader;
    private readonly long tenantId;
    private readonly Action<StoreReader> giveBack;
    private readonly Dictionary<string, SqliteStatement> prepared = new(StringComparer.Ordinal);

    public StoreSnapshot(StoreReader reader, long tenantId, IReadOnlyList<StoredStream> streams, Action<StoreReader> giveBack)
    {
        this.reader = reader;
        this.tenantId = tenantId;
        this.giveBack = giveBack;
        Streams = streams;
        Execute("BEGIN");
    }

    public IReadOnlyList<StoredStream> Streams { get; }

    /// <summary>A stream's entries with start &lt;= time &lt; end, oldest or newest first; equal times in order of arrival, or its reverse.</summary>
    public EntryCursor Entries(StoredStream stream, long start, long end, bool forward)
    {
        string order = forward ? "ts, ordinal" : "ts DESC, ordinal DESC";
        SqliteStatement statement = Prepare($"SELECT ts, ordinal, line, metadata FROM entries_{tenantId} " +
            $"WHERE stream = ?1 AND ts >= ?2 AND ts < ?3 ORDER BY {order}");
        return new EntryCursor(statement, stream.Id, start, end);
    }

    /// <summary>One entry by its key. The cursor stands on it; it is in the snapshot because the caller found it there.</summary>
    public EntryCursor Entry(long streamId, long time, long ordinal)
    {
        SqliteStatement statement = Prepare($"SELECT ts, ordinal, line, metadata FROM entries_{tenantId} WHERE stream = ?1 AND ts = ?2 AND ordinal = ?3");
        EntryCursor cursor = new(statement, streamId, time, ordinal);
        return cursor.Next() ? cursor : throw new StoreException(StoreFailure.Corrupt, $"the store {reader.Path} is damaged: an entry is gone");
    }

    public bool HasEntries(StoredStream stream, long start, long end)
    {
        SqliteStatement statement = Prepare($"SELECT 1 FROM entries_{tenantId} WHERE stream = ?1 AND ts >= ?2 AND ts < ?3 LIMIT 1");
        statement.Reset();
        statement.Bind(1, stream.Id);
        statement.Bind(2, start);
        statement.Bind(3, end);
        bool found = statement.Step();
        statement.Reset();
        return found;
    }

    /// <summary>How many entries and how many bytes of lines a stream has in a range.</summary>
    public (long Entries, long Bytes) Measure(StoredStream stream, long start, long end)
    {
        SqliteStatement statement = Prepare($"SELECT count(*), coalesce(sum(length(line)), 0) FROM entries_{tenantId} WHERE stream = ?1 AND ts >= ?2 AND ts < ?3");
        statement.Reset();
        statement.Bind(1, stream.Id);
        statement.Bind(2, start);
        statement.Bind(3, end);
        statement.Step();
        (long, long) measured = (statement.Long(0), statement.Long(1));
        statement.Reset();
        return measured;
    }

    public long CountEntries()
    {
        SqliteStatement statement = Prepare($"SELECT count(*) FROM entries_{tenantId}");
        statement.Step();
        long count = statement.Long(0);
        statement.Reset();
        return count;
    }

    public void Dispose()
    {
        foreach (SqliteStatement statement in prepared.Values) statement.Dispose();
        try
        {
            Execute("COMMIT");
        }
        catch (StoreException)
        {
            reader.Dispose();   // a connection that cannot even end its read is not for the next query
            return;
        }
        giveBack(reader);
    }

    private SqliteStatement Prepare(string sql)
    {
        if (!prepared.TryGetValue(sql, out SqliteStatement? statement))
        {
            statement = new SqliteStatement(reader.Database, reader.Path, sql);
            prepared.Add(sql, statement);
        }
        return statement;
    }

    private void Execute(string sql)
    {
        using SqliteStatement statement = new(reader.Database, reader.Path, sql);
        statement.Execute();
    }
}
