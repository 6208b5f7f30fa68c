// The labels that a result shows: those of the stream, overlaid with the entry's structured metadata, without what was dropped.

using System.Text;
using LokiGateway.LocalLoki.LogQl;
using LokiGateway.LocalLoki.Store;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.LocalLoki.Query;

/// <summary>Immutable and sorted; equal labels have equal <see cref="Key"/>s.</summary>
internal sealed class ResultLabels
{
    public static readonly ResultLabels None = new(new SortedDictionary<string, string>(StringComparer.Ordinal));

    private ResultLabels(SortedDictionary<string, string> pairs)
    {
        Pairs = [.. pairs];
        StringBuilder key = new();
        foreach ((string name, string value) in Pairs) key.Append(name).Append('\x01').Append(value).Append('\x02');
        Key = key.ToString();
    }

    public IReadOnlyList<KeyValuePair<string, string>> Pairs { get; }

    /// <summary>For dictionaries, and for sorting results in a stable order.</summary>
    public string Key { get; }

    /// <param name="stream">The stream's labels.</param>
    /// <param name="metadata">A <see cref="MetadataBlob"/>; its names win over the stream's, as in Loki.</param>
    /// <param name="stages">Only their drops matter here.</param>
    public static ResultLabels Of(LabelSet stream, ReadOnlySpan<byte> metadata, IReadOnlyList<Stage> stages)
    {
        SortedDictionary<string, string> pairs = new(StringComparer.Ordinal);
        foreach ((string name, string value) in stream.Pairs) pairs[name] = value;
        return Overlaid(pairs, metadata, stages);
    }

    /// <summary>The structured metadata alone, without what was dropped.</summary>
    public static ResultLabels OfMetadata(ReadOnlySpan<byte> metadata, IReadOnlyList<Stage> stages) =>
        metadata.IsEmpty ? None : Overlaid(new SortedDictionary<string, string>(StringComparer.Ordinal), metadata, stages);

    /// <summary>What is left of the labels after <c>by</c> or <c>without</c>; nothing when there is no grouping.</summary>
    public ResultLabels Grouped(Grouping? grouping)
    {
        if (grouping is null) return None;
        SortedDictionary<string, string> pairs = new(StringComparer.Ordinal);
        foreach ((string name, string value) in Pairs)
        {
            if (grouping.Names.Contains(name) != grouping.Without) pairs[name] = value;
        }
        return new ResultLabels(pairs);
    }

    private static ResultLabels Overlaid(SortedDictionary<string, string> pairs, ReadOnlySpan<byte> metadata, IReadOnlyList<Stage> stages)
    {
        while (MetadataBlob.TryRead(ref metadata, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            if (!value.IsEmpty) pairs[Encoding.UTF8.GetString(name)] = Encoding.UTF8.GetString(value);
        }
        foreach (Stage stage in stages)
        {
            if (stage is not DropStage drop) continue;
            foreach (string name in drop.Names) pairs.Remove(name);
        }
        return new ResultLabels(pairs);
    }
}
