// A prepared statement over SQLite's C interface. Microsoft.Data.Sqlite boxes every parameter and copies every blob into an array; a
// store that takes hundreds of thousands of rows a second, and scans as many, works on spans instead.

using SQLitePCL;

namespace LokiGateway.LocalLoki.Store;

/// <summary>Not thread-safe. Parameters count from 1, columns from 0. Spans live until the next <see cref="Step"/> or <see cref="Reset"/>.</summary>
internal sealed class SqliteStatement : IDisposable
{
    private readonly sqlite3 database;
    private readonly sqlite3_stmt statement;
    private readonly string path;

    public SqliteStatement(sqlite3 database, string path, string sql)
    {
        this.database = database;
        this.path = path;
        Check(raw.sqlite3_prepare_v2(database, sql, out statement));
    }

    public void Bind(int parameter, long value) => Check(raw.sqlite3_bind_int64(statement, parameter, value));

    public void Bind(int parameter, string value) => Check(raw.sqlite3_bind_text(statement, parameter, value));

    /// <summary>An empty span is an empty blob, not NULL.</summary>
    public void Bind(int parameter, ReadOnlySpan<byte> value) => Check(value.IsEmpty
        ? raw.sqlite3_bind_zeroblob(statement, parameter, 0)
        : raw.sqlite3_bind_blob(statement, parameter, value));

    public void BindNull(int parameter) => Check(raw.sqlite3_bind_null(statement, parameter));

    /// <summary>True while there is a row.</summary>
    public bool Step()
    {
        int code = raw.sqlite3_step(statement);
        if (code == raw.SQLITE_ROW) return true;
        if (code == raw.SQLITE_DONE) return false;
        raw.sqlite3_reset(statement);
        throw Failure(code);
    }

    /// <summary>Runs a statement that returns nothing, and makes it ready for the next run.</summary>
    /// <returns>Rows changed.</returns>
    public int Execute()
    {
        Step();
        raw.sqlite3_reset(statement);
        return raw.sqlite3_changes(database);
    }

    public void Reset() => raw.sqlite3_reset(statement);

    public long Long(int column) => raw.sqlite3_column_int64(statement, column);

    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(statement, column);

    public string Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string();

    public void Dispose() => statement.Dispose();

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK) throw Failure(code);
    }

    private StoreException Failure(int code) =>
        StoreException.FromSqlite(code, raw.sqlite3_errmsg(database).utf8_to_string(), path);
}
