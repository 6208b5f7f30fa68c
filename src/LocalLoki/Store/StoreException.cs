// The database as a dead dependency: full disk, lock, damage. Said in words that tell the user what to do; the HTTP edge turns it into a status.

namespace LokiGateway.LocalLoki.Store;

internal enum StoreFailure
{
    /// <summary>The disk, or the configured size limit, is used up.</summary>
    Full,

    /// <summary>Another process holds the file.</summary>
    Locked,

    /// <summary>The file is damaged or no database of ours.</summary>
    Corrupt,

    /// <summary>Reading or writing failed, or the file cannot be opened.</summary>
    Unavailable,
}

internal sealed class StoreException(StoreFailure failure, string message) : Exception(message)
{
    public StoreFailure Failure { get; } = failure;

    /// <param name="code">SQLite's result code; the low byte is the primary code.</param>
    /// <param name="detail">SQLite's own words.</param>
    /// <param name="path">The database file.</param>
    public static StoreException FromSqlite(int code, string detail, string path) => (code & 0xff) switch
    {
        SQLitePCL.raw.SQLITE_FULL => new(StoreFailure.Full, $"the store {path} is full ({detail}): free disk space or raise storage.max_size"),
        SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_LOCKED =>
            new(StoreFailure.Locked, $"the store {path} is locked by another process ({detail})"),
        SQLitePCL.raw.SQLITE_CORRUPT or SQLitePCL.raw.SQLITE_NOTADB =>
            new(StoreFailure.Corrupt, $"the store {path} is damaged ({detail}): move it away and start again, it holds only a copy of your logs"),
        _ => new(StoreFailure.Unavailable, $"the store {path} cannot be used: {detail} (SQLite code {code})"),
    };
}
