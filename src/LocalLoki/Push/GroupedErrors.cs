using System.Globalization;
using System.Text;

namespace LokiGateway.LocalLoki.Push;

/// <summary>Validation errors of one push, equal ones counted, joined as Loki's GroupedErrors joins them (there in random order, here in order).</summary>
internal sealed class GroupedErrors
{
    // A push of 100,000 bad lines has 100,000 texts, as every one names its time. Loki returns megabytes then; nobody reads them.
    private const int DistinctMax = 100;

    private readonly Dictionary<string, int> counts = new(StringComparer.Ordinal);
    private int others;

    public bool Any => counts.Count > 0;

    public void Add(string error)
    {
        if (counts.TryGetValue(error, out int count)) counts[error] = count + 1;
        else if (counts.Count < DistinctMax) counts.Add(error, 1);
        else others++;
    }

    public override string ToString()
    {
        StringBuilder text = new();
        foreach ((string error, int count) in counts)
        {
            if (text.Length > 0) text.Append("; ");
            if (counts.Count > 1 || count > 1) text.Append(CultureInfo.InvariantCulture, $"{count} errors like: ");
            text.Append(error);
        }
        if (others > 0) text.Append(CultureInfo.InvariantCulture, $"; and {others} more errors");
        return text.ToString();
    }
}
