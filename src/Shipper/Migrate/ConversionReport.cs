// What a conversion could not carry over. The promise of the command is that nothing of the old configuration goes unsaid: whoever reads this list knows what
// is different from then on.
namespace LokiGateway.Shipper.Migrate;

internal sealed class ConversionReport
{
    private readonly List<(long Line, int Order, string Text)> _remarks = [];

    /// <summary>Settings that have no equivalent, so that something will be different.</summary>
    public int LeftOut { get; private set; }

    /// <summary>What is different, and why.</summary>
    public void NotCarried(long line, string what, string why)
    {
        LeftOut++;
        Add(line, $"{what}: not carried over: {why}");
    }

    /// <summary>Worth knowing; nothing is missing.</summary>
    public void Note(long line, string what, string text) => Add(line, $"{what}: note: {text}");

    /// <summary>In the order of the file.</summary>
    public IEnumerable<string> Lines(string fileName) =>
        _remarks.OrderBy(static remark => remark.Line).ThenBy(static remark => remark.Order).Select(remark => $"{fileName}:{remark.Line}: {remark.Text}");

    private void Add(long line, string text) => _remarks.Add((line, _remarks.Count, text));
}
