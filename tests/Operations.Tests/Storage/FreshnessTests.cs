// The age of the newest object, judged over generated buckets: what is Loki's, what is not, in any order, and limits that are met exactly.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Operations.Storage;
using LokiGateway.Testing;

namespace LokiGateway.Operations.Tests.Storage;

public sealed class FreshnessTests
{
    private static readonly DateTime Now = new(2026, 11, 23, 12, 0, 0, DateTimeKind.Utc);

    /// <summary>An object: of Loki's or of somebody else's, and how old.</summary>
    public sealed record Stored(int Stream, int Number, int AgeSeconds, bool IsForeign);

    private static Gen<Stored> Objects() =>
        from stream in Gen.Choose(1, 30)
        from number in Gen.Choose(1, 1000)
        from age in Gen.Choose(0, 7200)
        from foreign in Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true)))
        select new Stored(stream, number, age, foreign);

    [Property(MaxTest = 300)]
    public Property P04_NewestObjectOlderThanTheThreshold_IsADelay_AndOnlyThen() =>
        Prop.ForAll(Objects().ListOf().ToArbitrary(), Gen.Choose(1, 7200).ToArbitrary(), static (objects, limit) =>
        {
            // Every third limit is met exactly.
            int maxAgeSeconds = limit % 3 == 0 ? objects.Where(static one => !one.IsForeign).Select(static one => one.AgeSeconds).DefaultIfEmpty(limit).Min() : limit;
            var prefix = new PrefixState { Name = "prod" };
            foreach (Stored one in objects)
            {
                string key = one.IsForeign ? $"prod/backup-{one.Number}.zip" : $"prod/{one.Stream:x}/{one.Number:x}:{one.Number + 1:x}:c0ffee";
                if (ObjectKey.IsData("prod", key)) prefix.Saw(key, Now.AddSeconds(-one.AgeSeconds));
                else prefix.CountingOther++;
            }

            Freshness result = Freshness.Judge(prefix, isWhole: true, Now, TimeSpan.FromSeconds(maxAgeSeconds));

            int[] ages = [.. objects.Where(static one => !one.IsForeign).Select(static one => one.AgeSeconds)];
            if (ages.Length == 0) Assert.Equal(FreshnessVerdict.Unknown, result.Verdict);
            else Assert.Equal((ages.Min() > maxAgeSeconds ? FreshnessVerdict.Stale : FreshnessVerdict.Fresh, TimeSpan.FromSeconds(ages.Min())), (result.Verdict, result.Age));
            // What is looked at next are the streams with the newest objects.
            Assert.True(prefix.Hot.Count <= PrefixState.HotStreamsMax);
            if (ages.Length > 0) Assert.Contains(prefix.Hot.Values, hot => hot.Modified == Now.AddSeconds(-ages.Min()));
        });

    [Fact]
    public void LookThatWasCutShort_DoesNotCallAnythingStale()
    {
        var prefix = new PrefixState { Name = "prod" };
        prefix.Saw("prod/a/1:2:3", Now.AddHours(-9));
        Assert.Equal(FreshnessVerdict.Unknown, Freshness.Judge(prefix, isWhole: false, Now, TimeSpan.FromMinutes(5)).Verdict);
        Assert.Equal(FreshnessVerdict.Stale, Freshness.Judge(prefix, isWhole: true, Now, TimeSpan.FromMinutes(5)).Verdict);
    }

    [Theory]
    [InlineData("prod", "prod/4f1e2d3c/18c0a:18c0b:9f", true)]
    [InlineData("prod", "prod/4f1e2d3c:18c0a:18c0b:9f", true)]
    [InlineData("prod", "prod/4f1e2d3c/18c0a:18c0b", false)]
    [InlineData("prod", "prod/notes.txt", false)]
    [InlineData("prod", "prod/", false)]
    [InlineData("prod", "production/4f/1:2:3", false)]
    [InlineData("prod", "prod/xyz/1:2:3", false)]
    [InlineData("index", "index/loki_index_20780/1700000000-ingester-0.tsdb.gz", true)]
    [InlineData("index", "index/delete_requests/delete_requests.gz", false)]
    [InlineData("index", "index/", false)]
    public void NamesOfLoki_AreToldFromOthers(string prefix, string key, bool expected) => Assert.Equal(expected, ObjectKey.IsData(prefix, key));

    [Fact]
    public void State_ComesBackFromItsFile_AndAnothersIsRefused()
    {
        using var temp = new TempDirectory("storage");
        string path = Path.Combine(temp.Path, "state.json");
        StorageState state = StorageState.Load(path, "chunks");
        var prefix = new PrefixState { Name = "prod", IsListing = true, Cursor = "prod/a/1:2:3", ListedAt = Now };
        prefix.Counting["STANDARD"] = new StoredSum { Objects = 3, Bytes = 9 };
        prefix.Saw("prod/a/1:2:3", Now);
        state.Prefixes.Add("prod", prefix);
        state.Save(path);

        PrefixState read = StorageState.Load(path, "chunks").Prefixes["prod"];
        Assert.Equal(("prod/a/1:2:3", 9L, Now, Now), (read.Cursor, read.Counting["STANDARD"].Bytes, read.Newest, read.Hot["prod/a/"].Modified));

        Assert.Contains("is of bucket chunks", Assert.Throws<StorageException>(() => StorageState.Load(path, "other")).Message, StringComparison.Ordinal);
        File.WriteAllText(path, "{\"version\":1,");
        Assert.Contains(path, Assert.Throws<StorageException>(() => StorageState.Load(path, "chunks")).Message, StringComparison.Ordinal);
    }
}
