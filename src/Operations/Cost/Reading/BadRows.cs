namespace LokiGateway.Operations.Cost.Reading;

/// <summary>Every row that could not be read is counted; the first ones are kept word for word. A report with any is incomplete, and says so in its exit code.</summary>
internal sealed class BadRows
{
    /// <summary>So many are kept: a file that is broken throughout must not fill the memory with the same sentence.</summary>
    public const int KeptMax = 200;

    private readonly List<BadRow> _first = [];

    public long Count { get; private set; }

    public IReadOnlyList<BadRow> First => _first;

    public void Add(BadRow row)
    {
        Count++;
        if (_first.Count < KeptMax) _first.Add(row);
    }
}
