// The database file. One file, a set of tables per tenant: a query can only name its own tenant's tables, so no predicate that somebody
// might forget stands between tenants.

namespace LokiGateway.LocalLoki.Store;

internal static class Schema
{
    /// <summary>Kept in the file's user_version; a file of another version is refused rather than guessed at.</summary>
    public const int Version = 1;

    public const string Tenants = "CREATE TABLE IF NOT EXISTS tenants (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)";

    /// <summary>
    /// streams_N   id, labels (pairs in canonical order, see <see cref="MetadataBlob"/>: not every label text that is accepted parses again)
    /// entries_N   stream, ts (ns), ordinal, line, metadata (see <see cref="MetadataBlob"/>, NULL when there is none).
    ///             Clustered by its key: a stream's time range is one sequential read, and the order of arrival breaks ties of time.
    /// twins_N     hash of every line that shares (stream, ts) with an earlier one: finding a duplicate among many lines of one
    ///             nanosecond stays one index look-up. The first line of a nanosecond is not listed; it has ordinal 0.
    /// </summary>
    public static IEnumerable<string> TablesOf(long tenant)
    {
        yield return $"CREATE TABLE IF NOT EXISTS streams_{tenant} (id INTEGER PRIMARY KEY, labels BLOB NOT NULL UNIQUE)";
        yield return $"CREATE TABLE IF NOT EXISTS entries_{tenant} (stream INTEGER NOT NULL, ts INTEGER NOT NULL, ordinal INTEGER NOT NULL, " +
            "line BLOB NOT NULL, metadata BLOB, PRIMARY KEY (stream, ts, ordinal)) WITHOUT ROWID";
        yield return $"CREATE TABLE IF NOT EXISTS twins_{tenant} (stream INTEGER NOT NULL, ts INTEGER NOT NULL, hash INTEGER NOT NULL, " +
            "ordinal INTEGER NOT NULL, PRIMARY KEY (stream, ts, hash, ordinal)) WITHOUT ROWID";
    }
}
