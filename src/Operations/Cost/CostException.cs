namespace LokiGateway.Operations.Cost;

/// <summary>A report cannot be made, in words that name the file and what to do. Rows that cannot be read are no reason for it: see <see cref="Reading.BadRows"/>.</summary>
internal sealed class CostException : Exception
{
    public CostException(string message)
        : base(message)
    {
    }

    public CostException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public CostException()
        : this("the report cannot be made")
    {
    }
}
