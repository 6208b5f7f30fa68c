// Where an S3 location is misunderstood, a report reads another bucket, or nothing.
using LokiGateway.Operations.ObjectStorage;

namespace LokiGateway.Operations.Tests.ObjectStorage;

public sealed class S3LocationTests
{
    [Theory]
    [InlineData("s3://billing", "billing", "")]
    [InlineData("s3://billing/", "billing", "")]
    [InlineData("s3://billing/focus/daily", "billing", "focus/daily")]
    [InlineData("S3://billing/prod/", "billing", "prod/")]
    [InlineData("s3://b.i-2/x", "b.i-2", "x")]
    public void Location_IsBucketAndPrefix(string text, string bucket, string prefix)
    {
        Assert.True(S3Location.TryParse(text, out S3Location? location, out _));
        Assert.Equal((bucket, prefix), (location.Bucket, location.Prefix));
    }

    [Theory]
    [InlineData("billing/focus", "write s3://BUCKET")]
    [InlineData("https://s3.amazonaws.com/billing", "write s3://BUCKET")]
    [InlineData("s3://", "not a bucket's name")]
    [InlineData("s3://Billing/x", "not a bucket's name")]
    [InlineData("s3://-ab/x", "not a bucket's name")]
    [InlineData("s3://a/x", "not a bucket's name")]
    public void WhatIsNoLocation_IsRefusedWithWhatToWrite(string text, string expected)
    {
        Assert.False(S3Location.TryParse(text, out _, out string error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }
}
