using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Shipper.Account;

/// <summary>
/// Lines by reason, of one source: most have none, so nothing is kept until there is one. Reasons come from the other side: more than a few are
/// counted together. Guarded by its owner.
/// </summary>
internal struct ReasonCounts
{
    private const string Other = "other";

    private Dictionary<string, long>? _lines;

    public long Total { get; private set; }

    public void Add(string reason, long lines)
    {
        if (lines == 0) return;
        _lines ??= [];
        Total += lines;
        if (reason.Length > SourceReport.ReasonLengthMax) reason = reason[..SourceReport.ReasonLengthMax];
        if (!_lines.ContainsKey(reason) && _lines.Count >= SourceReport.ReasonsMax - 1) reason = Other;
        _lines[reason] = _lines.GetValueOrDefault(reason) + lines;
    }

    public void Add(in ReasonCounts other)
    {
        if (other._lines is null) return;
        foreach ((string reason, long lines) in other._lines) Add(reason, lines);
    }

    /// <summary>Null when there are none.</summary>
    public readonly Dictionary<string, long>? Copy() => _lines is null ? null : new Dictionary<string, long>(_lines);
}
