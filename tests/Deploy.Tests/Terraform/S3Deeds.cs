// What Loki does in a bucket, tried out as somebody: which of it S3 let them do.
using Amazon.S3;
using Amazon.S3.Model;

namespace LokiGateway.Deploy.Tests.Terraform;

internal static class S3Deeds
{
    /// <summary>Tries each of the four actions on an object that is there; answers those that were not denied.</summary>
    public static async Task<IReadOnlyList<string>> AllowedAsync(IAmazonS3 s3, string bucket, string present)
    {
        List<string> allowed = [];
        await TryAsync("s3:GetObject", async () => (await s3.GetObjectAsync(bucket, present)).Dispose());
        await TryAsync("s3:ListBucket", () => s3.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket }));
        await TryAsync("s3:PutObject", () => s3.PutObjectAsync(Put(bucket, "prod/new")));
        await TryAsync("s3:DeleteObject", () => s3.DeleteObjectAsync(bucket, present));
        return allowed;

        async Task TryAsync(string action, Func<Task> deed)
        {
            if (await IsAllowedAsync(deed)) allowed.Add(action);
        }
    }

    /// <summary>Was it done, or denied? Any other answer is an error.</summary>
    public static async Task<bool> IsAllowedAsync(Func<Task> deed)
    {
        try
        {
            await deed();
            return true;
        }
        catch (AmazonS3Exception e) when (e.ErrorCode is "AccessDenied")
        {
            return false;
        }
    }

    /// <summary>A small chunk.</summary>
    public static PutObjectRequest Put(string bucket, string key) => new() { BucketName = bucket, Key = key, ContentBody = "chunk", UseChunkEncoding = false };
}
