using System.Globalization;
using System.Text;
using Amazon.S3;
using Amazon.S3.Model;
using LokiGateway.Operations.ObjectStorage;

namespace LokiGateway.Operations.Preflight;

/// <summary>What only the bucket itself can answer.</summary>
internal sealed class BucketChecks(IAmazonS3 s3, bool mayWrite, TimeProvider time)
{
    /// <summary>Probes lie apart from what is Loki's, so that nobody wonders.</summary>
    private const string ProbePrefix = "lokiops-preflight/";

    // S3 refuses signatures that are 15 minutes off; a machine that is one minute off is on its way there.
    private static readonly TimeSpan SkewMax = TimeSpan.FromMinutes(1);

    public async Task<IReadOnlyList<CheckResult>> RunAsync(string bucket, IReadOnlyDictionary<string, int> retentionDays, CancellationToken ct)
    {
        var results = new List<CheckResult>();
        if (await ReachAsync(bucket, results, ct).ConfigureAwait(false))
        {
            if (mayWrite) await WriteAsync(bucket, results, ct).ConfigureAwait(false);
            await LifecycleAsync(bucket, retentionDays, results, ct).ConfigureAwait(false);
        }
        return results;
    }

    private async Task<bool> ReachAsync(string bucket, List<CheckResult> results, CancellationToken ct)
    {
        string name = $"bucket {bucket}";
        try
        {
            await s3.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket, MaxKeys = 1 }, ct).ConfigureAwait(false);
            results.Add(CheckResult.Ok(name, "can be reached and listed"));
            return true;
        }
        catch (Exception failure) when (S3Failures.IsExpected(failure) && !ct.IsCancellationRequested)
        {
            string why = S3Failures.Explain(failure, $"s3://{bucket}", "s3:ListBucket");
            // What S3 answered is a finding; that it did not answer is none.
            results.Add(failure is AmazonS3Exception { StatusCode: > 0 }
                ? CheckResult.Failed(name, why, "create the bucket, or correct its name, the region or the role's policy")
                : CheckResult.Unknown(name, why, "give --s3.region or --s3.endpoint, and credentials"));
            return false;
        }
    }

    private async Task WriteAsync(string bucket, List<CheckResult> results, CancellationToken ct)
    {
        string name = $"objects of {bucket}";
        string key = $"{ProbePrefix}{Guid.NewGuid():N}";
        string action = "s3:PutObject";
        try
        {
            string text = $"lokiops preflight {time.GetUtcNow():O}";
            await s3.PutObjectAsync(new PutObjectRequest { BucketName = bucket, Key = key, ContentBody = text }, ct).ConfigureAwait(false);
            action = "s3:GetObject";
            string back;
            using (GetObjectResponse answer = await s3.GetObjectAsync(bucket, key, ct).ConfigureAwait(false))
            {
                using var reader = new StreamReader(answer.ResponseStream, Encoding.UTF8);
                back = await reader.ReadToEndAsync(ct).ConfigureAwait(false);
            }
            action = "s3:DeleteObject";
            await s3.DeleteObjectAsync(bucket, key, ct).ConfigureAwait(false);
            results.Add(back == text
                ? CheckResult.Ok(name, "can be written, read and deleted")
                : CheckResult.Failed(name, "what is read back is not what was written", "use an S3 that keeps what it is given: Loki's chunks would be damaged"));
        }
        catch (Exception failure) when (S3Failures.IsExpected(failure) && !ct.IsCancellationRequested)
        {
            results.Add(CheckResult.Failed(name, S3Failures.Explain(failure, $"s3://{bucket}/{key}", action), $"allow {action} on arn:aws:s3:::{bucket}/*; without it {LokiPermissions.Without(action)}"));
        }
    }

    private async Task LifecycleAsync(string bucket, IReadOnlyDictionary<string, int> retentionDays, List<CheckResult> results, CancellationToken ct)
    {
        try
        {
            GetLifecycleConfigurationResponse answer = await s3.GetLifecycleConfigurationAsync(bucket, ct).ConfigureAwait(false);
            List<LifecycleRule> rules = [.. (answer.Configuration?.Rules ?? []).Where(static rule => rule.Status == LifecycleRuleStatus.Enabled).Select(RuleOf)];
            results.AddRange(LifecycleRules.Judge(bucket, rules, retentionDays));
        }
        catch (AmazonS3Exception none) when (none.ErrorCode == "NoSuchLifecycleConfiguration")
        {
            results.AddRange(LifecycleRules.Judge(bucket, [], retentionDays));
        }
        catch (Exception failure) when (S3Failures.IsExpected(failure) && !ct.IsCancellationRequested)
        {
            results.Add(CheckResult.Unknown($"lifecycle of {bucket}", S3Failures.Explain(failure, $"s3://{bucket}", "s3:GetLifecycleConfiguration"),
                "run it as somebody who may read the lifecycle; Loki itself need not"));
        }
    }

    private static LifecycleRule RuleOf(Amazon.S3.Model.LifecycleRule rule) => new(
        rule.Id ?? "",
        rule.Filter?.LifecycleFilterPredicate is LifecyclePrefixPredicate prefix ? prefix.Prefix ?? "" : PrefixOf(rule.Filter?.LifecycleFilterPredicate),
        rule.Expiration is { Days: > 0 } expiration ? expiration.Days : rule.Expiration?.Date is not null ? 0 : null,
        [.. (rule.Transitions ?? []).Select(static one => (one.StorageClass?.Value ?? "", one.Days ?? 0))]);

    private static string PrefixOf(LifecycleFilterPredicate? filter) => filter is LifecycleAndOperator and
        ? (and.Operands ?? []).OfType<LifecyclePrefixPredicate>().Select(static one => one.Prefix ?? "").FirstOrDefault("")
        : "";

    /// <summary>A server's clock against ours, from an answer's Date.</summary>
    public static CheckResult Skew(string name, DateTimeOffset? theirs, DateTimeOffset ours)
    {
        if (theirs is not { } date) return CheckResult.Unknown(name, "the answer has no Date");
        TimeSpan skew = (ours - date).Duration();
        string text = string.Create(CultureInfo.InvariantCulture, $"{skew.TotalSeconds:0} s apart");
        return skew <= SkewMax ? CheckResult.Ok(name, text)
            : CheckResult.Failed(name, text, "set both clocks by NTP: Loki refuses lines that are more than creation_grace_period (10m) ahead, S3 signatures that are 15m off");
    }
}
