// Is Loki still storing? S3 lists by name and not by time, so the newest object of a prefix is only known when all were listed, a request for each thousand. Hence:
// 1. one whole listing a day, in steps, which also adds up bytes; 2. between two the eight streams with the newest objects are looked at, and only behind their last
// key, which has the time in it; 3. only when none of these is fresh the prefix is listed again, until something fresh is found.
using Amazon.S3;
using Amazon.S3.Model;
using LokiGateway.Operations.ObjectStorage;

namespace LokiGateway.Operations.Storage;

/// <summary>One look at a time.</summary>
internal sealed class StorageLook(IAmazonS3 s3, StorageOptions options, StorageState state, TimeProvider time)
{
    private const string ListPermission = "s3:ListBucket";

    /// <summary>Requests that the last look made.</summary>
    public int Requests { get; private set; }

    /// <summary>One result a tenant and one for the index. Throws <see cref="StorageException"/> when the bucket cannot be listed.</summary>
    public async Task<IReadOnlyList<Freshness>> LookAsync(CancellationToken ct)
    {
        Requests = 0;
        try
        {
            foreach (string name in await FindPrefixesAsync(ct).ConfigureAwait(false)) state.Prefixes.TryAdd(name, new PrefixState { Name = name });
            var results = new List<Freshness>();
            foreach (PrefixState prefix in state.Prefixes.Values.OrderBy(static one => one.Name == ObjectKey.Index).ThenBy(static one => one.Name, StringComparer.Ordinal))
            {
                Freshness result = await LookAsync(prefix, ct).ConfigureAwait(false);
                // A folder of something else in the same bucket is no tenant, unless somebody says so.
                if (prefix.Newest is null && options.Prefixes.Count == 0 && prefix.Name != ObjectKey.Index) continue;
                results.Add(result);
            }
            return results;
        }
        catch (Exception failure) when (S3Failures.IsExpected(failure) && !ct.IsCancellationRequested)
        {
            throw new StorageException(S3Failures.Explain(failure, $"s3://{options.Bucket}", ListPermission), failure);
        }
    }

    private async Task<IEnumerable<string>> FindPrefixesAsync(CancellationToken ct)
    {
        if (options.Prefixes.Count > 0) return options.Prefixes;
        var names = new List<string>();
        string? token = null;
        for (int page = 0; page < options.PagesMax; page++)
        {
            Requests++;
            ListObjectsV2Response answer = await s3.ListObjectsV2Async(
                new ListObjectsV2Request { BucketName = options.Bucket, Delimiter = "/", ContinuationToken = token }, ct).ConfigureAwait(false);
            names.AddRange((answer.CommonPrefixes ?? []).Select(static prefix => prefix.TrimEnd('/')).Where(static name => name.Length > 0));
            token = answer.IsTruncated == true ? answer.NextContinuationToken : null;
            if (token is null) break;
        }
        // The index belongs to every Loki; that it is not there is a finding.
        return names.Append(ObjectKey.Index).Distinct(StringComparer.Ordinal);
    }

    private async Task<Freshness> LookAsync(PrefixState prefix, CancellationToken ct)
    {
        DateTime now = time.GetUtcNow().UtcDateTime;
        bool isDue = prefix.ListedAt is null || now - prefix.ListedAt >= options.ListingInterval;
        if (!isDue && !prefix.IsListing)
        {
            foreach ((string stream, HotStream hot) in prefix.Hot.ToList())
            {
                if (IsFresh(prefix)) break;
                await PageAsync(prefix, stream, hot.Key, isCounted: false, ct).ConfigureAwait(false);
            }
            if (IsFresh(prefix)) return Freshness.Judge(prefix, true, now, options.MaxAge);
        }

        bool isWhole = false;
        for (int page = 0; page < options.PagesMax; page++)
        {
            if (!prefix.IsListing) (prefix.IsListing, prefix.Cursor, prefix.Counting, prefix.CountingOther) = (true, null, [], 0);
            prefix.Cursor = await PageAsync(prefix, prefix.Name + "/", prefix.Cursor, isCounted: true, ct).ConfigureAwait(false);
            if (prefix.Cursor is null)
            {
                (prefix.IsListing, prefix.Listed, prefix.OtherObjects, prefix.ListedAt) = (false, prefix.Counting, prefix.CountingOther, time.GetUtcNow().UtcDateTime);
                prefix.Counting = [];
                isWhole = true;
                break;
            }
            if (!isDue && IsFresh(prefix))
            {
                // It was listed for this alone; the day's listing begins at the beginning.
                prefix.IsListing = false;
                break;
            }
        }
        return Freshness.Judge(prefix, isWhole, now, options.MaxAge);
    }

    private bool IsFresh(PrefixState prefix) => prefix.Newest is { } newest && time.GetUtcNow().UtcDateTime - newest <= options.MaxAge;

    // Returns where to go on; null: that was the end.
    private async Task<string?> PageAsync(PrefixState prefix, string under, string? after, bool isCounted, CancellationToken ct)
    {
        ListObjectsV2Response answer = await ListAsync(under, after, ct).ConfigureAwait(false);
        List<S3Object> objects = answer.S3Objects ?? [];
        foreach (S3Object one in objects)
        {
            bool isData = ObjectKey.IsData(prefix.Name, one.Key);
            if (isData && one.LastModified is { } modified) prefix.Saw(one.Key, modified.ToUniversalTime());
            if (!isCounted) continue;
            if (!isData) prefix.CountingOther++;
            string storageClass = one.StorageClass?.Value is { Length: > 0 } named ? named : "STANDARD";
            if (!prefix.Counting.TryGetValue(storageClass, out StoredSum? sum)) prefix.Counting.Add(storageClass, sum = new StoredSum());
            sum.Objects++;
            sum.Bytes += one.Size ?? 0;
        }
        return answer.IsTruncated == true && objects.Count > 0 ? objects[^1].Key : null;
    }

    private Task<ListObjectsV2Response> ListAsync(string prefix, string? after, CancellationToken ct)
    {
        Requests++;
        return s3.ListObjectsV2Async(new ListObjectsV2Request { BucketName = options.Bucket, Prefix = prefix, StartAfter = after }, ct);
    }
}
