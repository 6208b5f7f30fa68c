// A query's pipeline, made ready to run over entries where they lie.

using System.Text;
using LokiGateway.LocalLoki.LogQl;
using LokiGateway.LocalLoki.Store;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.LocalLoki.Query;

/// <summary>Which streams a selector chooses, and which of their entries pass.</summary>
internal sealed class EntryFilter(LogSelector selector)
{
    public IReadOnlyList<Stage> Stages => selector.Stages;

    public IEnumerable<StoredStream> Select(IReadOnlyList<StoredStream> streams) =>
        streams.Where(stream => Matches(selector.Matchers, stream.Labels));

    public static bool Matches(IReadOnlyList<LabelMatcher> matchers, LabelSet labels)
    {
        foreach (LabelMatcher matcher in matchers)
        {
            if (!matcher.Matches(labels[matcher.Name])) return false;
        }
        return true;
    }

    public bool Passes(StoredStream stream, in EntryCursor entry)
    {
        IReadOnlyList<Stage> stages = selector.Stages;
        for (int i = 0; i < stages.Count; i++)
        {
            bool passes = stages[i] switch
            {
                LineFilterStage filter => IsFound(filter, entry.Line) != filter.Negated,
                LabelFilterStage filter => filter.Matcher.Matches(LabelOf(stream, entry.Metadata, filter.Matcher.Name, i)),
                _ => true,
            };
            if (!passes) return false;
        }
        return true;
    }

    private static bool IsFound(LineFilterStage filter, ReadOnlySpan<byte> line)
    {
        for (int i = 0; i < filter.Alternatives.Count; i++)
        {
            if (filter.Alternatives[i].IsFoundIn(line)) return true;
        }
        return false;
    }

    // A label that an earlier stage has dropped is absent to a later one.
    private string? LabelOf(StoredStream stream, ReadOnlySpan<byte> metadata, string name, int stage)
    {
        for (int i = 0; i < stage; i++)
        {
            if (selector.Stages[i] is DropStage drop && drop.Names.Contains(name)) return null;
        }
        string? found = null;
        while (MetadataBlob.TryRead(ref metadata, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (!value.IsEmpty && Encoding.UTF8.GetString(key) == name) found = Encoding.UTF8.GetString(value);
        }
        return found ?? stream.Labels[name];
    }
}
