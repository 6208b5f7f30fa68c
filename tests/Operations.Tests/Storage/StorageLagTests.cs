// storage-lag against a real S3 and a local Loki: what is found, what it costs in requests, and what is said when it cannot be told.
using System.Globalization;
using System.Text.Json;
using Amazon.S3;
using LokiGateway.Operations.ObjectStorage;
using LokiGateway.Operations.Storage;
using LokiGateway.Operations.Tests.Completeness;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Operations.Tests.Storage;

public sealed class StorageLagTests(StorageLagTests.Bucket bucket) : IClassFixture<StorageLagTests.Bucket>
{
    /// <summary>One moto for the class, with a bucket of two tenants, an index, and things that are not Loki's.</summary>
    public sealed class Bucket : IAsyncLifetime
    {
        public const string Name = "loki-chunks";

        /// <summary>More than a page of a listing.</summary>
        public const int ProdChunks = 1100;

        public MotoServer? Server { get; private set; }

        internal AmazonS3Client Client { get; private set; } = null!;

        internal static string? Environment(string name) => name switch { "AWS_ACCESS_KEY_ID" or "AWS_SECRET_ACCESS_KEY" => "test", _ => null };

        public async ValueTask InitializeAsync()
        {
            if (MotoServer.Missing is not null) return;
            Server = await MotoServer.StartAsync();
            Client = S3Clients.Create(new S3Settings { Endpoint = Server.Address }, Environment, TimeProvider.System);
            await Client.PutBucketAsync(Name);
            await Client.PutBucketAsync("empty");
            using var http = new HttpClient();
            await Parallel.ForEachAsync(Enumerable.Range(0, ProdChunks), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, ct) =>
            {
                using var body = new StringContent("0123456789");
                using HttpResponseMessage answer = await http.PutAsync(new Uri(Server.Address, $"/{Name}/prod/{i % 50:x8}/{i:x}:{i + 1:x}:abc"), body, ct);
                answer.EnsureSuccessStatusCode();
            });
            await PutAsync("dev/0a/1:2:3", "12345");
            await PutAsync("prod/0a/4:5:6", "1", S3StorageClass.GlacierInstantRetrieval);
            await PutAsync("index/loki_index_20780/1-ingester.tsdb.gz", "i");
            await PutAsync("index/delete_requests/x.gz", "d");
            await PutAsync("loki_cluster_seed.json", "{}");
            await PutAsync("backup/notes.txt", "not Loki's");
        }

        internal Task PutAsync(string key, string text, S3StorageClass? storageClass = null) =>
            Client.PutObjectAsync(new() { BucketName = Name, Key = key, ContentBody = text, StorageClass = storageClass ?? S3StorageClass.Standard });

        public async ValueTask DisposeAsync()
        {
            Client?.Dispose();
            if (Server is not null) await Server.DisposeAsync();
        }
    }

    private void SkipWithoutMoto()
    {
        if (bucket.Server is null) Assert.Skip(MotoServer.Missing!);
    }

    private async Task<(int Code, string Output, string Errors)> RunAsync(TimeProvider time, params string[] args)
    {
        var output = new StringWriter(CultureInfo.InvariantCulture);
        var errors = new StringWriter(CultureInfo.InvariantCulture);
        int code = await OperationsCommandLine.RunAsync(["storage-lag", "--s3.endpoint", bucket.Server!.Address.ToString(), .. args],
            new OperationsHost { Output = output, Errors = errors, Time = time, Environment = Bucket.Environment });
        return (code, output.ToString(), errors.ToString());
    }

    [Fact]
    public async Task FreshBucket_IsZero_WithBytesByTenantAndStorageClass()
    {
        SkipWithoutMoto();
        (int code, string output, string errors) = await RunAsync(TimeProvider.System, "--bucket", Bucket.Name, "--max-age", "1h", "--format", "json");

        Assert.Equal((0, ""), (code, errors));
        var told = JsonDocument.Parse(output).RootElement.GetProperty("tenants").EnumerateArray().SelectMany(static tenant => tenant.GetProperty("storage_classes").EnumerateArray().Select(sum => (
            tenant.GetProperty("tenant").GetString()!, sum.GetProperty("storage_class").GetString()!, sum.GetProperty("objects").GetInt64(), sum.GetProperty("bytes").GetInt64())));
        // A folder without anything of Loki's is no tenant; what another test puts into dev is left out.
        Assert.Equal([("prod", "GLACIER_IR", 1L, 1L), ("prod", "STANDARD", Bucket.ProdChunks, 10 * Bucket.ProdChunks), ("index", "STANDARD",
            2, 2)], told.Where(static one => one.Item1 != "dev"));
    }

    [Fact]
    public async Task OldBucket_IsOne_AndNamesTheTenants()
    {
        SkipWithoutMoto();
        var later = new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddHours(3));
        (int code, string output, string errors) = await RunAsync(later, "--bucket", Bucket.Name, "--max-age", "2h", "--prefix", "prod/", "--prefix", "index/");

        Assert.Equal(1, code);
        Assert.Contains("prod/: the newest object is 0", errors, StringComparison.Ordinal);
        Assert.Contains("index/: the newest object is 0", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("dev", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatCannotBeTold_IsTwo_WithTheReason()
    {
        SkipWithoutMoto();
        (int code, _, string errors) = await RunAsync(TimeProvider.System, "--bucket", "no-such-bucket");
        Assert.Equal((2, "lokiops storage-lag: s3://no-such-bucket: there is no such bucket\n"), (code, errors));

        (code, _, errors) = await RunAsync(TimeProvider.System, "--bucket", "empty");
        Assert.Equal(2, code);
        Assert.Contains("index/: cannot tell: there is no object", errors, StringComparison.Ordinal);

        (code, _, errors) = await RunAsync(TimeProvider.System, "--bucket", Bucket.Name, "--prefix", "backup/");
        Assert.Equal(2, code);
        Assert.Contains("backup/: cannot tell: there are objects, but none with a name that Loki gives", errors, StringComparison.Ordinal);

        var later = new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddHours(3));
        (code, _, errors) = await RunAsync(later, "--bucket", Bucket.Name, "--prefix", "prod/", "--pages", "1");
        Assert.Equal(2, code);
        Assert.Contains("the listing was cut short (--pages)", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ListingThatWasCutShort_GoesOnWhereItStopped_AfterARestart()
    {
        SkipWithoutMoto();
        using var temp = new TempDirectory("storage");
        string file = Path.Combine(temp.Path, "state.json");
        string[] args = ["--bucket", Bucket.Name, "--prefix", "prod/", "--max-age", "1h", "--pages", "1", "--state-file", file];
        await RunAsync(TimeProvider.System, args);
        PrefixState half = StorageState.Load(file, Bucket.Name).Prefixes["prod"];
        Assert.Equal((true, 1000L, null), (half.IsListing, half.Counting.Values.Sum(static sum => sum.Objects), half.ListedAt));

        await RunAsync(TimeProvider.System, args);

        PrefixState whole = StorageState.Load(file, Bucket.Name).Prefixes["prod"];
        Assert.Equal((false, (long)Bucket.ProdChunks), (whole.IsListing, whole.Listed["STANDARD"].Objects));
        Assert.NotNull(whole.ListedAt);
    }

    [Fact]
    public async Task BetweenTwoListings_FewRequestsFindANewObject()
    {
        SkipWithoutMoto();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var options = new StorageOptions { Bucket = Bucket.Name, Prefixes = ["dev"], MaxAge = TimeSpan.FromMinutes(30) };
        var look = new StorageLook(bucket.Client, options, new StorageState { Bucket = Bucket.Name }, time);
        Assert.Equal(FreshnessVerdict.Fresh, Assert.Single(await look.LookAsync(default)).Verdict);
        await look.LookAsync(default);
        Assert.Equal(0, look.Requests);

        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(FreshnessVerdict.Stale, Assert.Single(await look.LookAsync(default)).Verdict);

        // S3 tells times in whole seconds.
        DateTime before = (await look.LookAsync(default))[0].Newest!.Value;
        int number = 7;
        await Eventually.ValueAsync(async () =>
        {
            await bucket.PutAsync($"dev/0a/{++number:x}:8:9", "new");
            return (await look.LookAsync(default))[0].Newest;
        }, newest => newest > before, "a newer object is found");
        // One behind the last key of the stream, and as that is not fresh by this clock either, one listing.
        Assert.Equal(2, look.Requests);
    }

    [Fact]
    public async Task Served_ExportsAgesBytesAndReadback()
    {
        SkipWithoutMoto();
        await using var loki = new AuditedLoki();
        await loki.InitializeAsync();
        int port = FreePort.Next();
        using var stop = new CancellationTokenSource();
        Task<int> running = OperationsCommandLine.RunAsync(
            ["storage-lag", "--s3.endpoint", bucket.Server!.Address.ToString(), "--bucket", Bucket.Name, "--loki", loki.Address.ToString(),
                "--tenant", "ops", "--serve", $"127.0.0.1:{port}", "--interval", "100ms"],
            AuditedLoki.Host(new StringWriter(), TextWriter.Synchronized(new StringWriter())) with { Environment = Bucket.Environment }, stop.Token);

        MetricsPage page = await Eventually.ValueAsync(() => MetricsPage.FetchAsync(new Uri($"http://127.0.0.1:{port}")), static page =>
            page.Sum("loki_storage_readback_seconds_count") >= 2 && page.Sum("loki_storage_last_listing_timestamp_seconds") > 0,
                "a listing and two read-backs", TimeSpan.FromSeconds(60));

        Assert.All((string[])["dev", "prod", "index"], tenant => Assert.True(page.Sum("loki_storage_newest_object_timestamp_seconds", ("tenant", tenant)) > 1.7e9));
        Assert.True(page.Sum("loki_storage_bytes") >= 10 * Bucket.ProdChunks + 8);
        Assert.Equal(0, page.Sum("loki_storage_readback_failures_total"));
        await stop.CancelAsync();
        Assert.Equal(0, await running);
    }

    [Fact]
    public async Task ReadbackOfALokiThatIsNotThere_IsTold()
    {
        SkipWithoutMoto();
        using var client = new Operations.Loki.LokiClient(new() { Address = new Uri($"http://127.0.0.1:{FreePort.Next()}/"), RetriesMax = 1 }, TimeProvider.System);
        ReadbackResult result = await Readback.MeasureAsync(client, "ops", TimeSpan.FromSeconds(1), TimeProvider.System, default);
        Assert.Equal(("push_failed", null), (result.Reason, result.Took));
    }

    [Theory]
    [InlineData("--bucket", "Loki", "--bucket: ")]
    [InlineData("--max-age", "5", "--max-age: ")]
    [InlineData("--pages", "0", "--pages: ")]
    [InlineData("--loki", "http://127.0.0.1:1", "--loki and --tenant go together")]
    [InlineData("--endpoint-url", "s3.local", "is not an http:// or https:// address")]
    public async Task ValueThatCannotBe_IsNamedWithItsOption(string option, string value, string expected)
    {
        string[] args = option == "--bucket" ? ["storage-lag", option, value] : ["storage-lag", "--bucket", "chunks", option, value];
        (int code, _, string errors) = await AuditedLoki.RunAsync(args);
        Assert.Equal(64, code);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
    }
}
