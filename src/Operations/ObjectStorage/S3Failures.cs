using System.Net;
using Amazon.Runtime;
using Amazon.S3;

namespace LokiGateway.Operations.ObjectStorage;

/// <summary>What S3 or the way to it answered, as a sentence for the person who has to mend it.</summary>
internal static class S3Failures
{
    /// <summary>True for what reading or writing an object throws when the world is at fault and not this program.</summary>
    public static bool IsExpected(Exception failure) =>
        failure is AmazonServiceException or AmazonClientException or S3SetupException or HttpRequestException or IOException or TimeoutException;

    /// <summary><paramref name="what"/> is what was asked for (<c>s3://bucket/key</c>), <paramref name="permission"/> what it needs (<c>s3:GetObject</c>).</summary>
    public static string Explain(Exception failure, string what, string permission) => failure switch
    {
        S3SetupException setup => setup.Message,
        AmazonS3Exception { ErrorCode: "NoSuchBucket" } => $"{what}: there is no such bucket",
        AmazonS3Exception { StatusCode: HttpStatusCode.NotFound } => $"{what}: there is no such object",
        AmazonS3Exception { ErrorCode: "InvalidObjectState" } =>
            $"{what}: is archived (GLACIER or DEEP_ARCHIVE) and cannot be read until it is restored",
        AmazonS3Exception { ErrorCode: "InvalidAccessKeyId" or "SignatureDoesNotMatch" or "ExpiredToken" or "InvalidToken" } refused =>
            $"{what}: S3 does not accept these credentials ({refused.ErrorCode})",
        AmazonS3Exception { ErrorCode: "RequestTimeTooSkewed" } => $"{what}: the clock of this machine differs from S3's by more than 15 minutes",
        AmazonS3Exception { StatusCode: HttpStatusCode.Forbidden } denied => $"{what}: access denied ({denied.ErrorCode}): it needs {permission}, and no Deny or KMS key in its way",
        AmazonS3Exception { StatusCode: HttpStatusCode.MovedPermanently or HttpStatusCode.BadRequest } elsewhere
            when elsewhere.ErrorCode is "PermanentRedirect" or "AuthorizationHeaderMalformed" or "IllegalLocationConstraintException" =>
            $"{what}: the bucket is in another region ({elsewhere.Message}): set --s3.region",
        AmazonS3Exception other => $"{what}: {(int)other.StatusCode} {other.ErrorCode}: {other.Message}",
        AmazonServiceException { InnerException: { } inner } => Explain(inner, what, permission),
        _ => $"{what}: {failure.Message}{(failure.InnerException is { } deeper && deeper.Message != failure.Message ? $" ({deeper.Message})" : "")}",
    };
}
