namespace LokiGateway.Operations.Completeness;

/// <summary>An audit that cannot be told to its end, in one sentence that says why.</summary>
internal sealed class AuditException : Exception
{
    public AuditException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public AuditException(string message)
        : base(message)
    {
    }

    public AuditException()
    {
    }
}
