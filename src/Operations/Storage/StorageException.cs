namespace LokiGateway.Operations.Storage;

/// <summary>Storage that cannot be looked at, in one sentence that says why.</summary>
internal sealed class StorageException : Exception
{
    public StorageException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public StorageException(string message)
        : base(message)
    {
    }

    public StorageException()
    {
    }
}
