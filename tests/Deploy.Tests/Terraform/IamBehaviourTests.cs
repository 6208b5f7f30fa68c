// P01 by behaviour: a server that enforces IAM, and users who hold the module's policy or a part of it.
using Amazon.S3;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Terraform;

public sealed class IamBehaviourTests
{
    // What modules/loki-storage renders for the prefix acme-loki; StoragePropertyTests and MotoTests hold the module to it.
    private const string Policy = """
        {"Version": "2012-10-17", "Statement": [
          {"Sid": "ListBuckets", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": ["arn:aws:s3:::acme-loki-chunks", "arn:aws:s3:::acme-loki-ruler"]},
          {"Sid": "ReadWriteDeleteObjects", "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
           "Resource": ["arn:aws:s3:::acme-loki-ruler/*", "arn:aws:s3:::acme-loki-chunks/*"]}]}
        """;

    private static readonly string[] Needed = ["s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject"];

    [Fact]
    public async Task P01_LokiCanWorkWithAPolicyOnlyIfItGrantsEachAction_AllSixteenParts()
    {
        if (MotoServer.Missing is { } reason) Assert.Skip(reason);
        await using MotoServer moto = await MotoServer.StartAsync();
        using var account = new MotoAccount(moto);
        using AmazonS3Client owner = account.Owner();
        await owner.PutBucketAsync("acme-loki-chunks");
        List<(AmazonS3Client User, string[] Granted, string Object)> users = [];
        for (int part = 0; part < 16; part++)
        {
            HashSet<string> missing = [.. Needed.Where((_, bit) => (part >> bit & 1) == 0)];
            string present = $"prod/{part}";
            await owner.PutObjectAsync(S3Deeds.Put("acme-loki-chunks", present));
            users.Add((await account.UserAsync($"part{part}", IamPolicy.Without(Policy, missing)), [.. Needed.Except(missing)], present));
        }

        await moto.EnforceIamAsync();
        foreach ((AmazonS3Client user, string[] granted, string present) in users)
        {
            using (user) Assert.Equal(granted, await S3Deeds.AllowedAsync(user, "acme-loki-chunks", present));
        }
    }
}
