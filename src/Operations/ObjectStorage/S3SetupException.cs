namespace LokiGateway.Operations.ObjectStorage;

/// <summary>S3 cannot be asked at all, in one sentence that says what to set: no region, no credentials, a role that may not be taken on.</summary>
internal sealed class S3SetupException : Exception
{
    public S3SetupException(string message)
        : base(message)
    {
    }

    public S3SetupException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public S3SetupException()
        : this("S3 cannot be asked")
    {
    }
}
