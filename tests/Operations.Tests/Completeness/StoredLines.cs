// Takes lines out of a local Loki behind its back: what a broken disk, a wrong retention or a person with a query does to a real one.
using System.Text;
using Microsoft.Data.Sqlite;

namespace LokiGateway.Operations.Tests.Completeness;

internal static class StoredLines
{
    /// <summary>Removes every entry with one of these lines; returns how many there were.</summary>
    public static int Remove(string dataDirectory, string tenant, IEnumerable<string> lines)
    {
        using var store = new SqliteConnection($"Data Source={Path.Combine(dataDirectory, "local-loki.db")};Pooling=False;Default Timeout=20");
        store.Open();
        using SqliteTransaction all = store.BeginTransaction();
        using SqliteCommand find = store.CreateCommand();
        find.CommandText = "SELECT id FROM tenants WHERE name = $name";
        find.Parameters.AddWithValue("$name", tenant);
        using SqliteCommand remove = store.CreateCommand();
        remove.CommandText = $"DELETE FROM entries_{(long)find.ExecuteScalar()!} WHERE line = $line";
        SqliteParameter line = remove.Parameters.Add("$line", SqliteType.Blob);
        int removed = 0;
        foreach (string text in lines)
        {
            line.Value = Encoding.UTF8.GetBytes(text);
            removed += remove.ExecuteNonQuery();
        }
        all.Commit();
        return removed;
    }
}
