namespace LokiGateway.LocalLoki;

/// <summary>The store cannot be opened; the message says what to do about it.</summary>
public sealed class LocalLokiStartException : Exception
{
    public LocalLokiStartException()
    {
    }

    public LocalLokiStartException(string message)
        : base(message)
    {
    }

    public LocalLokiStartException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
