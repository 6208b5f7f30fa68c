namespace LokiGateway.Operations.ObjectStorage;

/// <summary>How S3, or what speaks its language, is reached. Everything that is not set is looked up as the AWS command line does: see <see cref="S3Clients"/>.</summary>
internal sealed record S3Settings
{
    /// <summary>Such as eu-central-1. Null: AWS_REGION, AWS_DEFAULT_REGION, the profile's.</summary>
    public string? Region { get; init; }

    /// <summary>An S3 that is not Amazon's, such as MinIO. Null: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, otherwise Amazon.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The bucket in the path and not in the host name. Null: yes with an endpoint of one's own, whose DNS seldom knows its buckets; no at Amazon.</summary>
    public bool? ForcePathStyle { get; init; }

    /// <summary>Ask without credentials: for public buckets.</summary>
    public bool Anonymous { get; init; }

    /// <summary>A profile of ~/.aws. Null: AWS_PROFILE, then "default".</summary>
    public string? Profile { get; init; }
}
