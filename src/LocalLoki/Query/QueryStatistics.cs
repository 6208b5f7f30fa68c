// The `stats` object of an answer. Grafana and logcli print it; what a one-process store has no equivalent of is zero, but present.

using System.Text.Json;

namespace LokiGateway.LocalLoki.Query;

internal sealed class QueryStatistics(TimeProvider time)
{
    private static readonly string[] Caches =
        ["chunk", "index", "result", "statsResult", "volumeResult", "seriesResult", "labelResult", "instantMetricResult"];

    private readonly long started = time.GetTimestamp();

    public long Lines { get; set; }

    public long LineBytes { get; set; }

    public long MetadataBytes { get; set; }

    public long LinesAfterFilter { get; set; }

    public long EntriesReturned { get; set; }

    public void Write(Utf8JsonWriter json)
    {
        double seconds = time.GetElapsedTime(started).TotalSeconds;
        json.WriteStartObject("stats");
        json.WriteStartObject("summary");
        json.WriteNumber("bytesProcessedPerSecond", seconds > 0 ? (long)(LineBytes / seconds) : 0);
        json.WriteNumber("linesProcessedPerSecond", seconds > 0 ? (long)(Lines / seconds) : 0);
        json.WriteNumber("totalBytesProcessed", LineBytes + MetadataBytes);
        json.WriteNumber("totalLinesProcessed", Lines);
        json.WriteNumber("execTime", seconds);
        json.WriteNumber("queueTime", 0);
        json.WriteNumber("subqueries", 0);
        json.WriteNumber("totalEntriesReturned", EntriesReturned);
        json.WriteNumber("splits", 0);
        json.WriteNumber("shards", 0);
        json.WriteNumber("totalPostFilterLines", LinesAfterFilter);
        json.WriteNumber("totalStructuredMetadataBytesProcessed", MetadataBytes);
        json.WriteEndObject();
        json.WriteStartObject("querier");
        WriteStore(json, Lines, LineBytes, MetadataBytes, LinesAfterFilter);
        json.WriteEndObject();
        json.WriteStartObject("ingester");
        foreach (string name in (ReadOnlySpan<string>)["totalReached", "totalChunksMatched", "totalBatches", "totalLinesSent"]) json.WriteNumber(name, 0);
        WriteStore(json, 0, 0, 0, 0);
        json.WriteEndObject();
        json.WriteStartObject("cache");
        foreach (string cache in Caches)
        {
            json.WriteStartObject(cache);
            foreach (string name in (ReadOnlySpan<string>)["entriesFound", "entriesRequested", "entriesStored", "bytesReceived", "bytesSent",
                "requests", "downloadTime", "queryLengthServed"]) json.WriteNumber(name, 0);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteStartObject("index");
        foreach (string name in (ReadOnlySpan<string>)["totalChunks", "postFilterChunks", "shardsDuration"]) json.WriteNumber(name, 0);
        json.WriteBoolean("usedBloomFilters", false);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteStore(Utf8JsonWriter json, long lines, long bytes, long metadataBytes, long linesAfterFilter)
    {
        json.WriteStartObject("store");
        foreach (string name in (ReadOnlySpan<string>)["totalChunksRef", "totalChunksDownloaded", "chunksDownloadTime"]) json.WriteNumber(name, 0);
        json.WriteBoolean("queryReferencedStructuredMetadata", false);
        json.WriteStartObject("chunk");
        json.WriteNumber("headChunkBytes", 0);
        json.WriteNumber("headChunkLines", 0);
        json.WriteNumber("decompressedBytes", bytes + metadataBytes);
        json.WriteNumber("decompressedLines", lines);
        json.WriteNumber("compressedBytes", 0);
        json.WriteNumber("totalDuplicates", 0);
        json.WriteNumber("postFilterLines", linesAfterFilter);
        json.WriteNumber("headChunkStructuredMetadataBytes", 0);
        json.WriteNumber("decompressedStructuredMetadataBytes", metadataBytes);
        json.WriteEndObject();
        foreach (string name in (ReadOnlySpan<string>)["chunkRefsFetchTime", "congestionControlLatency", "pipelineWrapperFilteredLines"]) json.WriteNumber(name, 0);
        json.WriteEndObject();
    }
}
