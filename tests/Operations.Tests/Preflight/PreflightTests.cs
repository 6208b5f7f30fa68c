// preflight as an operator runs it: a deployment that is right, and one thing wrong at a time. S3 is a real server, Loki is local-loki.
using System.Globalization;
using System.Text.Json;
using Amazon.S3;
using Amazon.S3.Model;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Operations.ObjectStorage;
using LokiGateway.Operations.Preflight;
using LokiGateway.Operations.Tests.Completeness;
using LokiGateway.Operations.Tests.Storage;
using LokiGateway.Testing;

namespace LokiGateway.Operations.Tests.Preflight;

public sealed class PreflightTests(AuditedLoki loki) : IClassFixture<AuditedLoki>
{
    private const string Tenants = "tenants:\n  prod: {retention_days: 90, limits: {ingestion_rate_mb: 50}}\n  dev: {retention_days: 7}\n";

    private const string Overrides = """
        overrides:
          prod: {retention_period: 2160h, max_query_lookback: 90d, ingestion_rate_mb: 50}
          dev: {retention_period: 168h}
        """;

    private const string Config = """
        schema_config:
          configs:
            - {from: 2024-04-01, store: tsdb, object_store: s3, schema: v13, index: {prefix: loki_index_, period: 24h}}
        compactor: {retention_enabled: true, delete_request_store: s3}
        """;

    [Fact]
    public async Task FilesThatAgree_AreZero_ALineACheck()
    {
        using var temp = new TempDirectory("preflight");
        (int code, string output, string errors) = await AuditedLoki.RunAsync("preflight", "--tenants-file", temp.Write("tenants.yaml", Tenants),
            "--overrides", temp.Write("overrides.yaml", Overrides), "--loki-config", temp.Write("loki.yaml", Config));

        Assert.Equal((0, ""), (code, errors));
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4, lines.Length);
        Assert.All(lines, static line => Assert.StartsWith("ok ", line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("tenants", "retention_days: 90", "retention_days: 90d", "line 2: prod.retention_days is no number of days")]
    [InlineData("overrides", "2160h", "720h", "line 2: retention_period of tenant prod is 720h, and should be 90 days | fix: set retention_period: 2160h")]
    [InlineData("overrides", "max_query_lookback: 90d", "max_query_lookback: 30d", "max_query_lookback of tenant prod is 30d: older queries are shortened without a word")]
    [InlineData("overrides", "ingestion_rate_mb: 50", "ingestion_rate_mb: 4", "ingestion_rate_mb of tenant prod is 4, and should be 50")]
    [InlineData("overrides", "  dev: {", "  test: {", "tenant dev is missing")]
    [InlineData("overrides", "  dev: {", "  test: {", "line 3: tenant test is not in the tenants' file")]
    [InlineData("config", "2024-04-01", "2999-01-01", "no period has begun")]
    [InlineData("config", "2024-04-01", "April", "\"from\" is no date")]
    [InlineData("config", "v13", "v12", "needs tsdb and v13")]
    [InlineData("config", "24h", "168h", "index.period is 168h")]
    [InlineData("config", "retention_enabled: true", "retention_enabled: false", "nothing is ever deleted")]
    [InlineData("config", ", delete_request_store: s3", "", "compactor.delete_request_store is missing")]
    public async Task OneThingWrong_IsOne_WithFileLineAndFix(string where, string right, string wrong, string expected)
    {
        using var temp = new TempDirectory("preflight");
        string Text(string name, string text)
        {
            if (name != where) return text;
            Assert.Contains(right, text, StringComparison.Ordinal);
            return text.Replace(right, wrong, StringComparison.Ordinal);
        }
        (int code, string output, _) = await AuditedLoki.RunAsync("preflight", "--tenants-file", temp.Write("tenants.yaml", Text("tenants", Tenants)),
            "--overrides", temp.Write("overrides.yaml", Text("overrides", Overrides)), "--loki-config", temp.Write("loki.yaml", Text("config", Config)));

        Assert.Equal(1, code);
        Assert.Contains(expected, output, StringComparison.Ordinal);
        Assert.All(output.Split('\n').Where(static line => line.StartsWith("FAILED", StringComparison.Ordinal)), static line => Assert.Contains(" | fix: ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task FileThatIsNoYaml_IsTwo_WithItsLine()
    {
        using var temp = new TempDirectory("preflight");
        string file = temp.Write("loki.yaml", "schema_config:\n  configs: [\n");
        (int code, string output, _) = await AuditedLoki.RunAsync("preflight", "--loki-config", file);
        Assert.Equal(2, code);
        Assert.Contains($"unknown {file}: ", output, StringComparison.Ordinal);

        (code, output, _) = await AuditedLoki.RunAsync("preflight", "--tenants-file", "/no/such/tenants.yaml");
        Assert.Equal(2, code);
        Assert.Contains("/no/such/tenants.yaml", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("prod/", 104, null, null)]
    [InlineData("prod/", 90, null, "deletes chunks of tenant prod after 90 days, and they are kept for 90")]
    [InlineData("pro", 30, null, "deletes chunks of tenant prod after 30 days")]
    [InlineData("", 400, null, "deletes index/ after 400 days")]
    [InlineData("", null, "STANDARD_IA", "moves index/, which Loki's compactor reads and rewrites")]
    [InlineData("prod/", null, "GLACIER", "moves objects to GLACIER after 30 days: queries of archived chunks come back empty")]
    [InlineData("prod/4f/", null, "DEEP_ARCHIVE", "moves objects to DEEP_ARCHIVE")]
    [InlineData("prod/", null, "GLACIER_IR", null)]
    [InlineData("other/", 1, null, null)]
    public void LifecycleRule_IsOneThatLokiCanLiveWith_OrNot(string prefix, int? expiration, string? transition, string? expected)
    {
        CheckResult result = LifecycleRules.Judge("chunks", [new Operations.Preflight.LifecycleRule("r", prefix, expiration, transition is null ? [] : [(transition, 30)])],
            new Dictionary<string, int> { ["prod"] = 90 }).First();
        Assert.Equal(expected is null ? CheckOutcome.Ok : CheckOutcome.Failed, result.Outcome);
        Assert.Contains(expected ?? "1 rules that Loki can live with", result.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RealBuckets_AreReachedWrittenAndTheirLifecycleRead()
    {
        if (MotoServer.Missing is { } missing) Assert.Skip(missing);
        await using MotoServer moto = await MotoServer.StartAsync();
        using AmazonS3Client s3 = S3Clients.Create(new S3Settings { Endpoint = moto.Address }, StorageLagTests.Bucket.Environment, TimeProvider.System);
        foreach (string bucket in (string[])["good", "bad"]) await s3.PutBucketAsync(bucket);
        await s3.PutLifecycleConfigurationAsync("good", Rules(new LifecyclePrefixPredicate { Prefix = "prod/" }, "INTELLIGENT_TIERING", 104));
        await s3.PutLifecycleConfigurationAsync("bad", Rules(new LifecyclePrefixPredicate { Prefix = "" }, "GLACIER", 365));
        using var temp = new TempDirectory("preflight");
        string tenants = temp.Write("tenants.yaml", "tenants: {prod: {retention_days: 90}}");

        (int code, string output, string errors) = await RunAsync(moto, "--bucket", "good", "--tenants-file", tenants);
        Assert.True(code == 0, output + errors);
        Assert.Contains("ok      objects of good: can be written, read and deleted", output, StringComparison.Ordinal);
        Assert.Contains("ok      lifecycle of good: 1 rules that Loki can live with", output, StringComparison.Ordinal);
        Assert.Empty((await s3.ListObjectsV2Async(new ListObjectsV2Request { BucketName = "good" })).S3Objects ?? []);

        (code, output, _) = await RunAsync(moto, "--bucket", "bad", "--bucket", "absent", "--read-only");
        Assert.Equal(1, code);
        Assert.Contains("FAILED  lifecycle of bad: rule \"r\" without a prefix moves objects to GLACIER", output, StringComparison.Ordinal);
        Assert.Contains("FAILED  lifecycle of bad: rule \"r\" without a prefix deletes index/ after 365 days", output, StringComparison.Ordinal);
        Assert.Contains("FAILED  bucket absent: s3://absent: there is no such bucket", output, StringComparison.Ordinal);
        Assert.DoesNotContain("objects of", output, StringComparison.Ordinal);

        static LifecycleConfiguration Rules(LifecycleFilterPredicate filter, string storageClass, int expiration) => new()
        {
            Rules =
            [
                new()
                {
                    Id = "r",
                    Status = LifecycleRuleStatus.Enabled,
                    Filter = new LifecycleFilter { LifecycleFilterPredicate = filter },
                    Transitions = [new LifecycleTransition { Days = 30, StorageClass = new S3StorageClass(storageClass) }],
                    Expiration = new LifecycleRuleExpiration { Days = expiration },
                },
            ],
        };
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(MotoServer moto, params string[] args)
    {
        var output = new StringWriter(CultureInfo.InvariantCulture);
        var errors = new StringWriter(CultureInfo.InvariantCulture);
        int code = await OperationsCommandLine.RunAsync(["preflight", "--endpoint-url", moto.Address.ToString(), "--path-style", "true", .. args],
            new OperationsHost { Output = output, Errors = errors, Time = TimeProvider.System, Environment = StorageLagTests.Bucket.Environment });
        return (code, output.ToString(), errors.ToString());
    }

    [Fact]
    public async Task TrustingLoki_TakesProbes_AndThatItTakesForeignOnesIsAFinding()
    {
        (int code, string output, _) = await AuditedLoki.RunAsync("preflight", "--loki", loki.Address.ToString(), "--tenant", "prod,dev", "--format", "json");

        Assert.Equal(1, code);
        JsonElement[] checks = [.. JsonDocument.Parse(output).RootElement.EnumerateArray()];
        Assert.Equal(["ok", "ok", "ok", "ok", "failed"], checks.Select(static check => check.GetProperty("outcome").GetString()));
        Assert.Contains("took a line for a tenant that this credential is not for", checks[4].GetProperty("message").GetString(), StringComparison.Ordinal);

        (code, _, _) = await AuditedLoki.RunAsync("preflight", "--loki", loki.Address.ToString(), "--tenant", "prod", "--foreign-tenant", "");
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task LokiThatIsNotThere_CannotBeTold()
    {
        (int code, string output, _) = await AuditedLoki.RunAsync("preflight", "--ready", $"http://127.0.0.1:{FreePort.Next()}");
        Assert.Equal(2, code);
        Assert.Contains("correct the address", output, StringComparison.Ordinal);
    }

    [Fact]
    public void ClocksAMinuteApart_AreAFinding()
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        Assert.Equal((CheckOutcome.Ok, CheckOutcome.Failed, CheckOutcome.Failed, CheckOutcome.Unknown), (BucketChecks.Skew("c", now.AddSeconds(-59), now).Outcome,
            BucketChecks.Skew("c", now.AddSeconds(-61), now).Outcome, BucketChecks.Skew("c", now.AddSeconds(61), now).Outcome, BucketChecks.Skew("c", null, now).Outcome));
    }

    [Theory]
    [InlineData("there is nothing to check")]
    [InlineData("--policy needs --bucket", "--policy", "x.json")]
    [InlineData("--overrides needs --tenants-file", "--overrides", "x.yaml", "--loki-config", "y.yaml")]
    [InlineData("--tenant needs --loki", "--tenant", "ops", "--loki-config", "y.yaml")]
    [InlineData("--ready: \"loki\" is not an http:// or https:// address", "--ready", "loki")]
    public async Task CommandLineThatMakesNoSense_IsUsage(string expected, params string[] args)
    {
        (int code, _, string errors) = await AuditedLoki.RunAsync(["preflight", .. args]);
        Assert.Equal(64, code);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
    }

    [Fact]
    public void TenantsOfTheDeployment_AreRead()
    {
        var results = new List<CheckResult>();
        IReadOnlyList<TenantFacts> tenants = ConfigurationChecks.ReadTenants("tenants.yaml", YamlNode.Parse(Tenants, "tenants.yaml"), results);
        Assert.Equal([("prod", 90), ("dev", 7)], tenants.Select(static tenant => (tenant.Name, tenant.RetentionDays)));
        Assert.Equal(CheckOutcome.Ok, Assert.Single(results).Outcome);
    }
}
