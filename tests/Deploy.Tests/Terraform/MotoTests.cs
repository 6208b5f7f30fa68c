// The complete example, applied for real: to a server that answers as S3, IAM, STS and KMS. What a plan cannot know shows here: that the calls are in an order S3
// takes, that a second plan finds nothing to do, that the role can do Loki's work and no more, and that everything goes away again.
using System.Text.Json.Nodes;
using Amazon.S3;
using Amazon.S3.Model;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Deploy.Tests.Loki;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Terraform;

public sealed class MotoTests(OfficialChart chart) : IClassFixture<OfficialChart>
{
    private const string Root = "examples/complete";

    // A minute and a half, of which the AWS provider waits most: it looks at a new lifecycle three times in 55 s. One test, so that it is waited for once.
    [Fact]
    public async Task CompleteExample_IsAppliedIsStableServesLokiAndGoesAwayAgain()
    {
        if (MotoServer.Missing is { } reason) Assert.Skip(reason);
        using var copy = new TerraformCopy();
        await copy.InitAsync(Root);
        await using MotoServer moto = await MotoServer.StartAsync();
        using var account = new MotoAccount(moto);
        using AmazonS3Client owner = account.Owner();
        await File.WriteAllTextAsync(Path.Combine(copy.Folder(Root), "moto_override.tf"), OfflineProvider.Of(moto.Address));

        // 1. Apply, and a second plan that finds nothing to do (exit code 2 would be a difference).
        (await copy.RunAsync(Root, "apply", "-auto-approve", "-input=false")).Succeeded();
        (await copy.RunAsync(Root, "plan", "-detailed-exitcode", "-input=false")).Succeeded();
        JsonNode outputs = JsonNode.Parse((await copy.RunAsync(Root, "output", "-json")).Succeeded())!;
        Assert.Equal("acme-loki-chunks", (string?)outputs["loki_s3_bucket_name"]!["value"]);

        // 2. What S3 has is what was asked for.
        await LookAtBucketsAsync(owner);

        // 3. The values for the chart are accepted by the overlay's schema, and by the chart where it is.
        await LookAtHelmValuesAsync(copy, (string)outputs["helm_values"]!["value"]!);

        // 4. P01: the role does Loki's work in its buckets, and nothing else.
        await P01_UseTheRoleAsync(moto, account, owner, (string)outputs["loki_iam_role_arn"]!["value"]!);

        // 5. Nothing is left.
        (await copy.RunAsync(Root, "destroy", "-auto-approve", "-input=false")).Succeeded();
        Assert.Equal(["somebody-elses"], (await owner.ListBucketsAsync()).Buckets.Select(static bucket => bucket.BucketName));
    }

    private static async Task LookAtBucketsAsync(AmazonS3Client owner)
    {
        foreach (string bucket in (string[])["acme-loki-chunks", "acme-loki-ruler"])
        {
            PublicAccessBlockConfiguration block = (await owner.GetPublicAccessBlockAsync(new() { BucketName = bucket })).PublicAccessBlockConfiguration;
            Assert.True(block.BlockPublicAcls is true && block.BlockPublicPolicy is true && block.IgnorePublicAcls is true && block.RestrictPublicBuckets is true, bucket);
            Assert.Equal(VersionStatus.Enabled, (await owner.GetBucketVersioningAsync(bucket)).VersioningConfig.Status);
            ServerSideEncryptionRule encryption = Assert.Single(
                (await owner.GetBucketEncryptionAsync(new() { BucketName = bucket })).ServerSideEncryptionConfiguration.ServerSideEncryptionRules);
            Assert.Equal(ServerSideEncryptionMethod.AWSKMS, encryption.ServerSideEncryptionByDefault.ServerSideEncryptionAlgorithm);
            Assert.Contains("\"aws:SecureTransport\"", (await owner.GetBucketPolicyAsync(bucket)).Policy, StringComparison.Ordinal);
        }

        IReadOnlyList<Tenant> tenants = Tenant.ReadAll(await File.ReadAllTextAsync(DeployTree.Path("tenants.yaml")));
        List<LifecycleRule> rules = (await owner.GetLifecycleConfigurationAsync("acme-loki-chunks")).Configuration.Rules;
        foreach (Tenant tenant in tenants)
        {
            LifecycleRule rule = Assert.Single(rules, rule => rule.Id == $"tenant-{tenant.Name}");
            Assert.Equal($"{tenant.Name}/", Assert.IsType<LifecyclePrefixPredicate>(rule.Filter.LifecycleFilterPredicate).Prefix);
            // expiration_grace_days of the example.
            Assert.Equal(tenant.RetentionDays + 21, rule.Expiration.Days);
            Assert.Equal(tenant.Name == "prod" ? 1 : 0, rule.Transitions?.Count ?? 0);
        }

        Assert.Equal(tenants.Count + 1, rules.Count);
    }

    private async Task LookAtHelmValuesAsync(TerraformCopy copy, string values)
    {
        string storage = Path.Combine(copy.Folder(Root), "storage.yaml");
        await File.WriteAllTextAsync(storage, values);
        (await LokiValues.Chart.LintAsync("-f", LokiValues.Chart.File("values-small.yaml"), "-f", storage)).Succeeded();
        JsonObject written = LokiValues.Read(values), example = LokiValues.Read(await File.ReadAllTextAsync(LokiValues.Chart.File("storage.example.yaml")));
        Assert.Equal("us-east-1", (string?)written["loki"]!["storage"]!["s3"]!["region"]);
        written["loki"]!["storage"]!["s3"]!["region"] = "eu-central-1";
        Assert.True(JsonNode.DeepEquals(example, written), $"storage.example.yaml is not what Terraform writes:\n{written}");
        if (!OfficialChart.IsHere) return;
        Rendering rendering = await chart.RenderAsync("small", "-f", storage);
        Assert.Equal(
            "arn:aws:iam::123456789012:role/acme-loki-loki",
            (string?)rendering.One("ServiceAccount", "loki").At("metadata.annotations")!["eks.amazonaws.com/role-arn"]);
    }

    private static async Task P01_UseTheRoleAsync(MotoServer moto, MotoAccount account, AmazonS3Client owner, string roleArn)
    {
        await owner.PutBucketAsync("somebody-elses");
        await owner.PutObjectAsync(S3Deeds.Put("somebody-elses", "prod/1"));
        foreach (string bucket in (string[])["acme-loki-chunks", "acme-loki-ruler"])
        {
            // moto obeys a deny without looking at its condition: TLS-only would be nobody.
            await owner.DeleteBucketPolicyAsync(bucket);
            await owner.PutObjectAsync(S3Deeds.Put(bucket, "prod/1"));
        }

        using AmazonS3Client loki = await account.RoleAsync(roleArn);
        await moto.EnforceIamAsync();
        try
        {
            foreach (string bucket in (string[])["acme-loki-chunks", "acme-loki-ruler"])
            {
                Assert.Equal(["s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject"], await S3Deeds.AllowedAsync(loki, bucket, "prod/1"));
                Assert.False(await S3Deeds.IsAllowedAsync(() => loki.DeleteBucketAsync(bucket)));
                Assert.False(await S3Deeds.IsAllowedAsync(() => loki.PutBucketPolicyAsync(bucket, "{}")));
                Assert.False(await S3Deeds.IsAllowedAsync(() => loki.PutBucketVersioningAsync(
                    new() { BucketName = bucket, VersioningConfig = new() { Status = VersionStatus.Suspended } })));
            }

            Assert.Empty(await S3Deeds.AllowedAsync(loki, "somebody-elses", "prod/1"));
        }
        finally
        {
            await moto.EnforceIamAsync(enforce: false);
        }

        // force_destroy removes markers after the versions below them. moto answers 500 when a marker is the last of its key, and the provider asks again for ever.
        foreach (string bucket in (string[])["acme-loki-chunks", "acme-loki-ruler"])
        {
            foreach (S3ObjectVersion marker in (await owner.ListVersionsAsync(bucket)).Versions.Where(static version => version.IsDeleteMarker is true))
                await owner.DeleteObjectAsync(bucket, marker.Key, marker.VersionId);
        }
    }
}
