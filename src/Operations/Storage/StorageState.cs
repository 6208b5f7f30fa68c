// What is known of a bucket from one look to the next, and over restarts: a listing of ten million objects must not begin anew because a pod was moved.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LokiGateway.Operations.Storage;

/// <summary>Objects and bytes of one storage class.</summary>
internal sealed record StoredSum
{
    public long Objects { get; set; }

    public long Bytes { get; set; }
}

/// <summary>The newest object of one stream: where to look for newer ones.</summary>
internal sealed record HotStream
{
    public required string Key { get; set; }

    public required DateTime Modified { get; set; }
}

/// <summary>What is known of a tenant's prefix, or of the index.</summary>
internal sealed record PrefixState
{
    /// <summary>So many streams are looked at between two listings: one request each.</summary>
    public const int HotStreamsMax = 8;

    public required string Name { get; init; }

    /// <summary>Of the newest object of Loki's that was seen; null: none was.</summary>
    public DateTime? Newest { get; set; }

    public string? NewestKey { get; set; }

    /// <summary>The streams with the newest objects, by prefix.</summary>
    public Dictionary<string, HotStream> Hot { get; init; } = [];

    /// <summary>Where the listing that is under way goes on; null: none is.</summary>
    public string? Cursor { get; set; }

    public bool IsListing { get; set; }

    /// <summary>What the listing under way has seen.</summary>
    public Dictionary<string, StoredSum> Counting { get; set; } = [];

    public long CountingOther { get; set; }

    /// <summary>What the last whole listing saw, by storage class.</summary>
    public Dictionary<string, StoredSum> Listed { get; set; } = [];

    /// <summary>Objects below the prefix whose names are not Loki's.</summary>
    public long OtherObjects { get; set; }

    /// <summary>End of the last whole listing.</summary>
    public DateTime? ListedAt { get; set; }

    public void Saw(string key, DateTime modified)
    {
        if (Newest is null || modified > Newest) (Newest, NewestKey) = (modified, key);
        if (Name == ObjectKey.Index || ObjectKey.StreamOf(key) is not { } stream) return;
        if (Hot.TryGetValue(stream, out HotStream? known))
        {
            // The last key is the one that is gone on from; its time is the stream's.
            if (string.CompareOrdinal(key, known.Key) > 0) known.Key = key;
            if (modified > known.Modified) known.Modified = modified;
            return;
        }
        if (Hot.Count == HotStreamsMax)
        {
            KeyValuePair<string, HotStream> oldest = Hot.MinBy(static one => one.Value.Modified);
            if (oldest.Value.Modified >= modified) return;
            Hot.Remove(oldest.Key);
        }
        Hot.Add(stream, new HotStream { Key = key, Modified = modified });
    }
}

/// <summary>All of a bucket.</summary>
internal sealed record StorageState
{
    private const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;

    public required string Bucket { get; init; }

    public Dictionary<string, PrefixState> Prefixes { get; init; } = [];

    /// <summary>What a file holds; a fresh state when there is none. Throws <see cref="StorageException"/> for a file that is something else.</summary>
    public static StorageState Load(string? path, string bucket)
    {
        if (path is null || !File.Exists(path)) return new StorageState { Bucket = bucket };
        try
        {
            using FileStream file = File.OpenRead(path);
            StorageState? read = JsonSerializer.Deserialize(file, StorageJson.Default.StorageState);
            if (read is { Version: CurrentVersion } && read.Bucket == bucket) return read;
            throw new StorageException($"--state-file {path}: is of {(read is null ? "nothing" : $"bucket {read.Bucket}, version {read.Version}")}: give another file, or delete it");
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new StorageException($"--state-file {path}: {unusable.Message}", unusable);
        }
    }

    /// <summary>Whole or not at all.</summary>
    public void Save(string? path)
    {
        if (path is null) return;
        try
        {
            string next = path + ".new";
            File.WriteAllBytes(next, JsonSerializer.SerializeToUtf8Bytes(this, StorageJson.Default.StorageState));
            File.Move(next, path, overwrite: true);
        }
        catch (Exception full) when (full is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"--state-file {path}: {full.Message}", full);
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StorageState))]
internal sealed partial class StorageJson : JsonSerializerContext;
