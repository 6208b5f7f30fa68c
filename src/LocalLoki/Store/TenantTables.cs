// One tenant's tables: the statements of the writer, and the list of streams that queries see.

using System.IO.Hashing;
using LokiGateway.Protocol.Labels;
using SQLitePCL;

namespace LokiGateway.LocalLoki.Store;

/// <summary>
/// The writer's side (<see cref="Append"/>, <see cref="Publish"/>, <see cref="Forget"/>) belongs to the writer loop alone;
/// <see cref="Streams"/> may be read from anywhere: it only ever shows committed streams.
/// </summary>
internal sealed class TenantTables : IDisposable
{
    private readonly SqliteStatement insertStream;
    private readonly SqliteStatement insertEntry;
    private readonly SqliteStatement lineAt;
    private readonly SqliteStatement lastOrdinal;
    private readonly SqliteStatement twinsWithHash;
    private readonly SqliteStatement insertTwin;
    private readonly Dictionary<LabelSet, long> idByLabels = [];
    private readonly List<StoredStream> uncommitted = [];
    private volatile IReadOnlyList<StoredStream> streams;
    private long nextStreamId = 1;

    public TenantTables(sqlite3 database, string path, long tenantId)
    {
        TenantId = tenantId;
        List<StoredStream> known = [];
        using (SqliteStatement all = new(database, path, $"SELECT id, labels FROM streams_{tenantId} ORDER BY id"))
        {
            while (all.Step())
            {
                StoredStream stream = new(all.Long(0), MetadataBlob.ToLabels(all.Blob(1)));
                known.Add(stream);
                idByLabels[stream.Labels] = stream.Id;
                nextStreamId = stream.Id + 1;
            }
        }
        streams = known;
        insertStream = new(database, path, $"INSERT INTO streams_{tenantId} (id, labels) VALUES (?1, ?2)");
        insertEntry = new(database, path, $"INSERT OR IGNORE INTO entries_{tenantId} (stream, ts, ordinal, line, metadata) VALUES (?1, ?2, ?3, ?4, ?5)");
        lineAt = new(database, path, $"SELECT line FROM entries_{tenantId} WHERE stream = ?1 AND ts = ?2 AND ordinal = ?3");
        lastOrdinal = new(database, path, $"SELECT max(ordinal) FROM entries_{tenantId} WHERE stream = ?1 AND ts = ?2");
        twinsWithHash = new(database, path, $"SELECT ordinal FROM twins_{tenantId} WHERE stream = ?1 AND ts = ?2 AND hash = ?3");
        insertTwin = new(database, path, $"INSERT INTO twins_{tenantId} (stream, ts, hash, ordinal) VALUES (?1, ?2, ?3, ?4)");
    }

    public long TenantId { get; }

    public IReadOnlyList<StoredStream> Streams => streams;

    /// <summary>Adds a batch inside the writer's open transaction.</summary>
    /// <returns>Entries that were new: an equal line at an equal time in an equal stream is one entry, as in Loki.</returns>
    public int Append(PushBatch batch)
    {
        int added = 0;
        foreach (BatchStream stream in batch.Streams)
        {
            long id = IdOf(stream.Labels);
            for (int i = stream.First; i < stream.First + stream.Count; i++)
            {
                BatchEntry entry = batch.Entries[i];
                if (TryInsert(id, entry.UnixNanos, 0, batch.Line(entry), batch.MetadataOf(entry))) added++;
                else if (TryInsertTwin(id, entry.UnixNanos, batch.Line(entry), batch.MetadataOf(entry))) added++;
            }
        }
        return added;
    }

    /// <summary>After the commit: queries now see the new streams.</summary>
    public void Publish()
    {
        if (uncommitted.Count == 0) return;
        streams = [.. streams, .. uncommitted];
        uncommitted.Clear();
    }

    /// <summary>After a rollback: the streams of that transaction do not exist.</summary>
    public void Forget()
    {
        foreach (StoredStream stream in uncommitted) idByLabels.Remove(stream.Labels);
        nextStreamId -= uncommitted.Count;
        uncommitted.Clear();
    }

    public void Dispose()
    {
        insertStream.Dispose();
        insertEntry.Dispose();
        lineAt.Dispose();
        lastOrdinal.Dispose();
        twinsWithHash.Dispose();
        insertTwin.Dispose();
    }

    private long IdOf(LabelSet labels)
    {
        if (idByLabels.TryGetValue(labels, out long id)) return id;
        insertStream.Bind(1, nextStreamId);
        insertStream.Bind(2, MetadataBlob.Of(labels));
        insertStream.Execute();
        id = nextStreamId++;
        idByLabels.Add(labels, id);
        uncommitted.Add(new StoredStream(id, labels));
        return id;
    }

    private bool TryInsert(long stream, long time, long ordinal, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        insertEntry.Bind(1, stream);
        insertEntry.Bind(2, time);
        insertEntry.Bind(3, ordinal);
        insertEntry.Bind(4, line);
        if (metadata.IsEmpty) insertEntry.BindNull(5);
        else insertEntry.Bind(5, metadata);
        return insertEntry.Execute() == 1;
    }

    // The (stream, time) is taken. Loki compares the line only, so metadata makes no difference to what counts as a duplicate.
    private bool TryInsertTwin(long stream, long time, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata)
    {
        if (LineEquals(stream, time, 0, line)) return false;
        long hash = unchecked((long)XxHash64.HashToUInt64(line));
        twinsWithHash.Bind(1, stream);
        twinsWithHash.Bind(2, time);
        twinsWithHash.Bind(3, hash);
        bool duplicate = false;
        while (!duplicate && twinsWithHash.Step()) duplicate = LineEquals(stream, time, twinsWithHash.Long(0), line);
        twinsWithHash.Reset();
        if (duplicate) return false;

        lastOrdinal.Bind(1, stream);
        lastOrdinal.Bind(2, time);
        lastOrdinal.Step();
        long ordinal = lastOrdinal.Long(0) + 1;
        lastOrdinal.Reset();
        TryInsert(stream, time, ordinal, line, metadata);
        insertTwin.Bind(1, stream);
        insertTwin.Bind(2, time);
        insertTwin.Bind(3, hash);
        insertTwin.Bind(4, ordinal);
        insertTwin.Execute();
        return true;
    }

    private bool LineEquals(long stream, long time, long ordinal, ReadOnlySpan<byte> line)
    {
        lineAt.Bind(1, stream);
        lineAt.Bind(2, time);
        lineAt.Bind(3, ordinal);
        bool equal = lineAt.Step() && lineAt.Blob(0).SequenceEqual(line);
        lineAt.Reset();
        return equal;
    }
}
