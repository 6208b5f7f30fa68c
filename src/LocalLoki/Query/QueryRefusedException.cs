namespace LokiGateway.LocalLoki.Query;

/// <summary>A query that cannot be answered, with Loki's status and text. Thrown while a query runs, caught by <see cref="QueryEndpoint"/>.</summary>
internal sealed class QueryRefusedException(int status, string message) : Exception(message)
{
    public QueryRefusedException(string message)
        : this(400, message)
    {
    }

    public int Status { get; } = status;
}
