// The module for any input that it takes, a hundred at once: Terraform takes seconds to start, so all cases are instances of the module in one plan, made by the
// real provider without an account.
using System.Text.Json.Nodes;
using FsCheck.Fluent;
using LokiGateway.Deploy.Tests.Loki;

namespace LokiGateway.Deploy.Tests.Terraform;

public sealed class StoragePropertyTests(StoragePropertyTests.Plan plan) : IClassFixture<StoragePropertyTests.Plan>
{
    private const string Issuer = "oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE";

    // Of S3, KMS and what a thief would want next.
    private static readonly string[] OtherActions =
    [
        "s3:DeleteBucket", "s3:DeleteObjectVersion", "s3:GetObjectVersion", "s3:ListBucketVersions", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutObjectAcl",
        "s3:PutLifecycleConfiguration", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutBucketPublicAccessBlock", "s3:PutReplicationConfiguration",
        "s3:BypassGovernanceRetention", "s3:ListAllMyBuckets", "kms:Encrypt", "kms:DisableKey", "kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "iam:PassRole", "sts:AssumeRole",
    ];

    private static readonly string[] ObjectActions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"];

    [Fact]
    public async Task P01_PolicyOfTheRole_GrantsWhatLokiNeedsInItsBuckets_AndNothingElseAnywhere_100Cases()
    {
        foreach ((StorageCase one, JsonNode resources) in await plan.CasesAsync())
        {
            var policy = new IamPolicy((string)resources["aws_iam_policy.loki"]!["policy"]!);
            foreach (string bucket in one.Buckets.Select(static name => $"arn:aws:s3:::{name}"))
            {
                Assert.True(policy.Allows("s3:ListBucket", bucket), bucket);
                foreach (string key in one.Tenants.Select(static tenant => $"{tenant.Name}/fp/1:2:3").Append("index/loki_index_20000/x.tsdb.gz").Append("loki_cluster_seed.json"))
                    Assert.All(ObjectActions, action => Assert.True(policy.Allows(action, $"{bucket}/{key}"), $"{action} {key}"));
                Assert.All(OtherActions, action => Assert.False(policy.Allows(action, bucket) || policy.Allows(action, $"{bucket}/x"), action));
            }

            foreach (string foreign in (string[])[$"{one.Prefix}-chunks2", $"x{one.Prefix}-chunks", $"{one.Prefix}", .. one.Admin ? (string[])[] : [$"{one.Prefix}-admin"]])
            {
                Assert.False(policy.Allows("s3:ListBucket", $"arn:aws:s3:::{foreign}"), foreign);
                Assert.All(ObjectActions, action => Assert.False(policy.Allows(action, $"arn:aws:s3:::{foreign}/x"), foreign));
            }

            string[] keyActions = ["kms:Decrypt", "kms:GenerateDataKey"];
            Assert.Equal([.. one.KeyArn is null ? [] : keyActions, "s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"], policy.Actions.Order(StringComparer.Ordinal));
            Assert.All(keyActions, action => Assert.False(policy.Allows(action, "arn:aws:kms:eu-central-1:123456789012:key/another")));
            if (one.KeyArn is { } key1) Assert.All(keyActions, action => Assert.True(policy.Allows(action, key1)));
        }
    }

    [Fact]
    public async Task Lifecycle_DeletesEachTenantAfterItsRetention_AndNeverTouchesWhatBelongsToNone_100Cases()
    {
        foreach ((StorageCase one, JsonNode resources) in await plan.CasesAsync())
        {
            JsonObject[] rules = [.. resources["aws_s3_bucket_lifecycle_configuration.this[\"chunks\"]"]!["rule"]!.AsArray().Select(static rule => rule!.AsObject())];
            foreach (Tenant tenant in one.Tenants)
            {
                JsonObject rule = Assert.Single(rules, rule => Prefix(rule) == $"{tenant.Name}/");
                Assert.Equal(tenant.RetentionDays + one.GraceDays, (int)rule["expiration"]![0]!["days"]!);
                bool tiered = one.TieringClass is not null && tenant.RetentionDays - one.TieringDays >= StorageCase.MinimumDays(one.TieringClass);
                JsonArray transitions = rule["transition"]?.AsArray() ?? [];
                Assert.Equal(tiered ? 1 : 0, transitions.Count);
                if (tiered) Assert.True((int)transitions[0]!["days"]! < tenant.RetentionDays && (string?)transitions[0]!["storage_class"] == one.TieringClass);
            }

            // One rule more: old versions and unfinished uploads, everywhere.
            Assert.Equal(one.Tenants.Count + 1, rules.Length);
            foreach (JsonObject rule in rules.Where(static rule => EndsCurrentVersions(rule)))
            {
                foreach (string shared in (string[])["index/loki_index_20000/1.tsdb.gz", "index/delete_requests/x.gz", "loki_cluster_seed.json"])
                    Assert.False(shared.StartsWith(Prefix(rule), StringComparison.Ordinal), $"{rule["id"]} reaches {shared}");
            }

            foreach (string other in one.Admin ? (string[])["ruler", "admin"] : ["ruler"])
            {
                JsonArray others = resources[$"aws_s3_bucket_lifecycle_configuration.this[\"{other}\"]"]!["rule"]!.AsArray();
                Assert.All(others, static rule => Assert.False(EndsCurrentVersions(rule!.AsObject())));
            }
        }
    }

    [Fact]
    public async Task Role_IsForExactlyTheServiceAccountsThatWereNamed_100Cases()
    {
        foreach ((StorageCase one, JsonNode resources) in await plan.CasesAsync())
        {
            string trust = (string)resources["aws_iam_role.loki"]!["assume_role_policy"]!;
            JsonArray statements = JsonNode.Parse(trust)!["Statement"]!.AsArray();
            JsonNode irsa = statements[0]!["Condition"]!["StringEquals"]!;
            JsonNode subjects = irsa[$"{Issuer}:sub"]!;
            string[] named = subjects is JsonArray list ? [.. list.Select(static subject => (string)subject!)] : [(string)subjects!];
            Assert.Equal(one.Accounts.Select(static account => $"system:serviceaccount:{account}").Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
            Assert.Equal("sts.amazonaws.com", (string?)irsa[$"{Issuer}:aud"]);
            Assert.Equal(1 + (one.PodIdentity ? one.Accounts.Count : 0), statements.Count);
            Assert.DoesNotContain("*", trust, StringComparison.Ordinal);
        }
    }

    private static string Prefix(JsonObject rule) => (string?)rule["filter"]?.AsArray().FirstOrDefault()?["prefix"] ?? "";

    private static bool EndsCurrentVersions(JsonObject rule) =>
        rule["transition"]?.AsArray().Count > 0 || (int?)rule["expiration"]?.AsArray().FirstOrDefault()?["days"] > 0 || rule["expiration"]?.AsArray().FirstOrDefault()?["date"] is not null;

    /// <summary>One plan for all properties.</summary>
    public sealed class Plan : IDisposable
    {
        private const int Cases = 100;
        private const string Root = "examples/generated";

        private readonly TerraformCopy _copy = new();
        private readonly Lazy<Task<IReadOnlyList<(StorageCase, JsonNode)>>> _cases;

        /// <summary>Plans nothing yet: a machine without Terraform skips the tests and not the class.</summary>
        public Plan() => _cases = new(PlanAsync);

        /// <inheritdoc/>
        public void Dispose() => _copy.Dispose();

        /// <summary>What was given, and the planned resources by their address in the module.</summary>
        internal Task<IReadOnlyList<(StorageCase Case, JsonNode Resources)>> CasesAsync() => _cases.Value;

        private async Task<IReadOnlyList<(StorageCase, JsonNode)>> PlanAsync()
        {
            IReadOnlyList<StorageCase> cases = [.. StorageCase.Generator.Sample(Cases)];
            Directory.CreateDirectory(_copy.Folder(Root));
            JsonArray inputs = [.. cases.Select(static one => one.ToInputs())];
            await File.WriteAllTextAsync(Path.Combine(_copy.Folder(Root), "cases.json"), inputs.ToJsonString());
            await File.WriteAllTextAsync(Path.Combine(_copy.Folder(Root), "main.tf"), $$"""
                {{OfflineProvider.Hcl}}
                locals {
                  cases = jsondecode(file("${path.module}/cases.json"))
                }
                module "case" {
                  source                     = "../../modules/loki-storage"
                  count                      = length(local.cases)
                  oidc_provider_arn          = "arn:aws:iam::123456789012:oidc-provider/{{Issuer}}"
                  name_prefix                = local.cases[count.index].name_prefix
                  tenant_retention_days      = local.cases[count.index].tenant_retention_days
                  expiration_grace_days      = local.cases[count.index].expiration_grace_days
                  create_admin_bucket        = local.cases[count.index].create_admin_bucket
                  kms_key_arn                = local.cases[count.index].kms_key_arn
                  pod_identity               = local.cases[count.index].pod_identity
                  namespace_service_accounts = local.cases[count.index].namespace_service_accounts
                  tiering                    = local.cases[count.index].tiering
                }
                """);
            await _copy.InitAsync(Root);
            (await _copy.RunAsync(Root, "plan", "-input=false", "-refresh=false", "-out=plan")).Succeeded();
            JsonNode planned = JsonNode.Parse((await _copy.RunAsync(Root, "show", "-json", "plan")).Succeeded())!["planned_values"]!["root_module"]!;
            Dictionary<string, JsonNode> modules = planned["child_modules"]!.AsArray().ToDictionary(static module => (string)module!["address"]!, static module => module!);
            Assert.Equal(Cases, modules.Count);
            return [.. cases.Select((one, i) => (one, Resources(modules[$"module.case[{i}]"], $"module.case[{i}].")))];
        }

        private static JsonNode Resources(JsonNode module, string prefix)
        {
            JsonObject resources = [];
            foreach (JsonNode? resource in module["resources"]!.AsArray()) resources[((string)resource!["address"]!)[prefix.Length..]] = resource["values"]!.DeepClone();
            return resources;
        }
    }
}
