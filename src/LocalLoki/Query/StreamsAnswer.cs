// The answer to a log query: entries grouped by the labels they show. Two passes over the chosen keys: the first reads only metadata, to
// group; the second reads each line once, while it is written.

using System.Globalization;
using System.Text.Json;
using LokiGateway.LocalLoki.LogQl;
using LokiGateway.LocalLoki.Store;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.LocalLoki.Query;

/// <param name="snapshot">Where the entries were found; null when there are none.</param>
/// <param name="selector">The query, for what it drops.</param>
/// <param name="categorize">Structured metadata beside each entry instead of among its labels: what Grafana asks for.</param>
internal sealed class StreamsAnswer(StoreSnapshot? snapshot, LogSelector selector, bool categorize)
{
    public async Task WriteAsync(HttpContext context, List<EntryKey> found, QueryStatistics statistics)
    {
        SortedDictionary<string, (ResultLabels Labels, List<EntryKey> Entries)> groups = Group(found);
        using JsonAnswer answer = new(context);
        Utf8JsonWriter json = answer.Json;
        json.WriteStartObject();
        json.WriteString("status", "success");
        json.WriteStartObject("data");
        json.WriteString("resultType", "streams");
        if (categorize)
        {
            json.WriteStartArray("encodingFlags");
            json.WriteStringValue("categorize-labels");
            json.WriteEndArray();
        }
        json.WriteStartArray("result");
        foreach ((ResultLabels labels, List<EntryKey> entries) in groups.Values)
        {
            json.WriteStartObject();
            answer.WriteLabels("stream", labels);
            json.WriteStartArray("values");
            foreach (EntryKey key in entries)
            {
                WriteEntry(answer, key);
                await answer.FlushWhenLargeAsync();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        statistics.Write(json);
        json.WriteEndObject();
        json.WriteEndObject();
        await answer.EndAsync();
    }

    private SortedDictionary<string, (ResultLabels Labels, List<EntryKey> Entries)> Group(List<EntryKey> found)
    {
        SortedDictionary<string, (ResultLabels Labels, List<EntryKey> Entries)> groups = new(StringComparer.Ordinal);
        foreach (EntryKey key in found)
        {
            ReadOnlySpan<byte> metadata = categorize ? [] : snapshot!.Entry(key.Stream.Id, key.UnixNanos, key.Ordinal).Metadata;
            ResultLabels labels = ResultLabels.Of(key.Stream.Labels, metadata, selector.Stages);
            if (!groups.TryGetValue(labels.Key, out (ResultLabels Labels, List<EntryKey> Entries) group)) groups.Add(labels.Key, group = (labels, []));
            group.Entries.Add(key);
        }
        return groups;
    }

    private void WriteEntry(JsonAnswer answer, EntryKey key)
    {
        EntryCursor entry = snapshot!.Entry(key.Stream.Id, key.UnixNanos, key.Ordinal);
        answer.Json.WriteStartArray();
        answer.Json.WriteStringValue(key.UnixNanos.ToString(CultureInfo.InvariantCulture));
        answer.WriteLine(entry.Line);
        if (categorize) answer.WriteMetadata(entry.Metadata, selector.Stages);
        answer.Json.WriteEndArray();
    }
}
