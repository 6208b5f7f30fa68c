// The store: one SQLite file in WAL mode. One writer loop takes pushes from a queue and commits several in one transaction, so that the
// cost of a commit is shared; a push is answered only after its transaction is on disk. Readers have connections of their own and see
// the last commit without waiting for the writer.

using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LokiGateway.LocalLoki.Store;

internal sealed class LogStore : IAsyncDisposable
{
    // Pushes waiting for the writer. Each was read and validated already; more than this wait in their request instead.
    private const int QueueLengthMax = 64;

    // Entries in one transaction before it is committed: about 16 MB of log, a tenth of a second of writing.
    private const int EntriesPerTransactionMax = 100_000;

    private const int PageBytes = 8192;

    private readonly string path;
    private readonly SqliteConnection connection;
    private readonly SqliteConnection instanceLock;
    private readonly ConcurrentDictionary<string, TenantTables> tenants = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<StoreReader> idleReaders = [];
    private readonly Channel<PendingAppend> queue = Channel.CreateBounded<PendingAppend>(
        new BoundedChannelOptions(QueueLengthMax) { SingleReader = true });
    private readonly Task writer;

    private LogStore(string path, SqliteConnection connection, SqliteConnection instanceLock)
    {
        this.path = path;
        this.connection = connection;
        this.instanceLock = instanceLock;
        LoadTenants();
        writer = Task.Run(WriteAsync);
    }

    private sqlite3 Database => connection.Handle!;

    /// <param name="directory">Created when absent.</param>
    /// <param name="bytesMax">Refuse to grow beyond this; 0 for no limit.</param>
    /// <exception cref="StoreException">With what to do about it.</exception>
    public static LogStore Open(string directory, long bytesMax)
    {
        string path = Path.Combine(directory, "local-loki.db");
        SqliteConnection? instanceLock = null;
        SqliteConnection? connection = null;
        try
        {
            Directory.CreateDirectory(directory);
            instanceLock = LockInstance(directory);
            connection = Connect(path, SqliteOpenMode.ReadWriteCreate);
            Run(connection, $"PRAGMA page_size={PageBytes}");
            Run(connection, "PRAGMA journal_mode=WAL");
            // In WAL mode NORMAL loses nothing when the process dies; a power cut can lose the last commits, never the file's integrity.
            Run(connection, "PRAGMA synchronous=NORMAL");
            Run(connection, "PRAGMA cache_size=-65536");          // KiB: 64 MiB
            Run(connection, "PRAGMA wal_autocheckpoint=4000");    // pages: 32 MB of log between copies into the main file
            Run(connection, "PRAGMA journal_size_limit=67108864");
            if (bytesMax > 0) Run(connection, $"PRAGMA max_page_count={Math.Max(16, bytesMax / PageBytes)}");
            CheckVersion(connection, path);
            return new LogStore(path, connection, instanceLock);
        }
        catch (Exception error) when (error is SqliteException or IOException or UnauthorizedAccessException or StoreException)
        {
            connection?.Dispose();
            instanceLock?.Dispose();
            throw error switch
            {
                StoreException known => known,
                SqliteException sqlite => StoreException.FromSqlite(sqlite.SqliteErrorCode, sqlite.Message, path),
                _ => new StoreException(StoreFailure.Unavailable, $"the data directory {directory} cannot be used: {error.Message}"),
            };
        }
    }

    /// <summary>Stores a batch; when the task ends the batch is committed.</summary>
    /// <returns>How many entries were new.</returns>
    /// <exception cref="StoreException">Nothing of the batch was stored.</exception>
    public async Task<int> AppendAsync(PushBatch batch)
    {
        PendingAppend pending = new(batch);
        try
        {
            await queue.Writer.WriteAsync(pending);
        }
        catch (ChannelClosedException)
        {
            throw new StoreException(StoreFailure.Unavailable, "the store is closing");
        }
        return await pending.Done.Task;   // not cancellable: the batch's buffer is in the writer's hands
    }

    /// <summary>The committed streams of a tenant; empty for one that never pushed.</summary>
    public IReadOnlyList<StoredStream> StreamsOf(string tenant) => tenants.TryGetValue(tenant, out TenantTables? tables) ? tables.Streams : [];

    /// <summary>A snapshot of one tenant's entries, or null when the tenant never pushed. Dispose it soon: it holds the write-ahead log back.</summary>
    public StoreSnapshot? OpenSnapshot(string tenant)
    {
        if (!tenants.TryGetValue(tenant, out TenantTables? tables)) return null;
        if (!idleReaders.TryTake(out StoreReader? reader)) reader = StoreReader.Open(path);
        return new StoreSnapshot(reader, tables.TenantId, tables.Streams, idleReaders.Add);
    }

    public long CountEntries(string tenant)
    {
        using StoreSnapshot? snapshot = OpenSnapshot(tenant);
        return snapshot?.CountEntries() ?? 0;
    }

    public async ValueTask DisposeAsync()
    {
        queue.Writer.TryComplete();
        await writer;
        while (idleReaders.TryTake(out StoreReader? reader)) reader.Dispose();
        foreach (TenantTables tables in tenants.Values) tables.Dispose();
        connection.Dispose();
        instanceLock.Dispose();
    }

    internal static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        // No pooling: a pooled handle would keep the file open after this object is disposed.
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString());
        connection.Open();
        raw.sqlite3_busy_timeout(connection.Handle, 5_000);   // ms; only a foreign process (a backup, the sqlite3 tool) can make us wait
        return connection;
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    // Two local-lokis on one directory would each keep a stream list that the other changes. A lock in a small database of its own,
    // because .NET's file locks are switched off in programs that tail files.
    private static SqliteConnection LockInstance(string directory)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder
        {
            DataSource = Path.Combine(directory, "local-loki.lock"),
            Mode = SqliteOpenMode.ReadWriteCreate,
            Pooling = false,
            DefaultTimeout = 1,
        }.ToString());
        try
        {
            connection.Open();
            Run(connection, "PRAGMA journal_mode=DELETE");
            Run(connection, "BEGIN EXCLUSIVE");
            return connection;
        }
        catch (SqliteException error)
        {
            connection.Dispose();
            throw (error.SqliteErrorCode & 0xff) is raw.SQLITE_BUSY or raw.SQLITE_LOCKED
                ? new StoreException(StoreFailure.Locked, $"the data directory {directory} is in use by another local-loki: stop it or choose another --data")
                : new StoreException(StoreFailure.Unavailable, $"the data directory {directory} cannot be used: {error.Message}");
        }
    }

    private static void CheckVersion(SqliteConnection connection, string path)
    {
        using SqliteStatement read = new(connection.Handle!, path, "PRAGMA user_version");
        read.Step();
        long version = read.Long(0);
        if (version is not (0 or Schema.Version))
            throw new StoreException(StoreFailure.Corrupt, $"the store {path} has format {version}, this program writes {Schema.Version}: choose another --data");
        Run(connection, Schema.Tenants);
        Run(connection, $"PRAGMA user_version={Schema.Version}");
    }

    private void LoadTenants()
    {
        using SqliteStatement all = new(Database, path, "SELECT id, name FROM tenants");
        while (all.Step()) tenants[all.Text(1)] = new TenantTables(Database, path, all.Long(0));
    }

    private async Task WriteAsync()
    {
        List<PendingAppend> group = [];
        List<int> added = [];
        while (await queue.Reader.WaitToReadAsync())
        {
            int entries = 0;
            while (entries < EntriesPerTransactionMax && queue.Reader.TryRead(out PendingAppend? next))
            {
                group.Add(next);
                entries += next.Batch.Entries.Count;
            }
            try
            {
                Commit(group, added);
                for (int i = 0; i < group.Count; i++) group[i].Done.SetResult(added[i]);
            }
            catch (StoreException failure)
            {
                foreach (PendingAppend pending in group) pending.Done.TrySetException(failure);
            }
            group.Clear();
            added.Clear();
        }
    }

    private void Commit(List<PendingAppend> group, List<int> added)
    {
        CreateMissingTenants(group);
        List<TenantTables> touched = [];
        Execute("BEGIN IMMEDIATE");
        try
        {
            foreach (PendingAppend pending in group)
            {
                TenantTables tables = tenants[pending.Batch.Tenant];
                touched.Add(tables);
                added.Add(tables.Append(pending.Batch));
            }
            Execute("COMMIT");
        }
        catch (StoreException)
        {
            foreach (TenantTables tables in touched) tables.Forget();
            RollBack();
            throw;
        }
        foreach (TenantTables tables in touched) tables.Publish();
    }

    // A tenant's tables are made in a transaction of their own, before its first push: a rolled-back push must not take them away
    // from under the statements that are prepared on them.
    private void CreateMissingTenants(List<PendingAppend> group)
    {
        foreach (PendingAppend pending in group)
        {
            string name = pending.Batch.Tenant;
            if (tenants.ContainsKey(name)) continue;
            Execute("BEGIN IMMEDIATE");
            try
            {
                long id;
                using (SqliteStatement insert = new(Database, path, "INSERT INTO tenants (name) VALUES (?1) RETURNING id"))
                {
                    insert.Bind(1, name);
                    insert.Step();
                    id = insert.Long(0);
                }
                foreach (string table in Schema.TablesOf(id)) Execute(table);
                Execute("COMMIT");
                tenants[name] = new TenantTables(Database, path, id);
            }
            catch (StoreException)
            {
                RollBack();
                throw;
            }
        }
    }

    // SQLite has rolled back by itself after a full disk or an I/O error; then there is nothing left to roll back.
    private void RollBack()
    {
        if (raw.sqlite3_get_autocommit(Database) == 0) Execute("ROLLBACK");
    }

    private void Execute(string sql)
    {
        using SqliteStatement statement = new(Database, path, sql);
        statement.Execute();
    }

    private sealed record PendingAppend(PushBatch Batch)
    {
        public TaskCompletionSource<int> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
