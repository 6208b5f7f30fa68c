using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LokiGateway.LocalLoki.Store;

/// <summary>A read-only connection, used by one query at a time and kept for the next.</summary>
internal sealed class StoreReader : IDisposable
{
    private readonly SqliteConnection connection;

    private StoreReader(SqliteConnection connection, string path)
    {
        this.connection = connection;
        Path = path;
    }

    public string Path { get; }

    public sqlite3 Database => connection.Handle!;

    /// <exception cref="StoreException">The file cannot be opened.</exception>
    public static StoreReader Open(string path)
    {
        try
        {
            return new StoreReader(LogStore.Connect(path, SqliteOpenMode.ReadOnly), path);
        }
        catch (SqliteException error)
        {
            throw StoreException.FromSqlite(error.SqliteErrorCode, error.Message, path);
        }
    }

    public void Dispose() => connection.Dispose();
}
