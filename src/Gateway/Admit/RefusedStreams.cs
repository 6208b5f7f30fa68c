// Takes refused streams out of a request without touching the others: their bytes are copied as they came, never encoded again.
using System.Globalization;
using System.Text;
using LokiGateway.Gateway.Receive;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Gateway.Admit;

/// <summary>What was taken out of a request, and what is left of it.</summary>
internal sealed class RefusedStreams : IDisposable
{
    /// <summary>Names the streams that were refused.</summary>
    public const string Header = "X-Loki-Gateway-Rejected-Streams";

    /// <summary>A header of many kilobytes is refused by proxies in between.</summary>
    private const int HeaderBytesMax = 4096;

    private RefusedStreams()
    {
    }

    private static ReadOnlySpan<byte> JsonHead => "{\"streams\":["u8;

    private static ReadOnlySpan<byte> OtlpHead => "{\"resourceLogs\":["u8;

    private static ReadOnlySpan<byte> JsonTail => "]}"u8;

    public int Entries { get; private set; }

    public long LineBytes { get; private set; }

    /// <summary>The label string, as sent, of the last refused stream: the one that Loki's text names.</summary>
    public required LabelSet Last { get; init; }

    /// <summary>
    /// Value of <see cref="Header"/>: label strings as sent, percent-encoded, separated by commas; <c>+N</c> at the end for those that did not fit.
    /// </summary>
    public required string HeaderValue { get; init; }

    /// <summary>The streams that stay, to be sent; null when none of them has an entry.</summary>
    public PooledBytes? Rest { get; private set; }

    /// <summary>True: <see cref="Rest"/> is JSON, of the grammar that the push came in. Else a PushRequest in a snappy block.</summary>
    public bool IsRestJson { get; private set; }

    /// <summary>Splits a request. Null when there is no memory for it.</summary>
    /// <param name="request">The inspected request, decoded.</param>
    /// <param name="json">The text that it was made of; empty when it came as protobuf.</param>
    /// <param name="hashes">Its streams after <see cref="StreamTable.Admit(Span{ulong}, uint, int)"/>.</param>
    /// <param name="memory">For the rest.</param>
    public static RefusedStreams? Split(ReadOnlySpan<byte> request, ReadOnlySpan<byte> json, ReadOnlySpan<ulong> hashes, BodyMemory memory)
    {
        ReadOnlySpan<byte> last = default;
        var header = new StringBuilder();
        int unnamed = 0;
        int index = 0;
        bool restHasEntries = false;
        var reader = new PushReader(request);
        while (reader.TryReadStream(out PushStream stream))
        {
            ulong hash = hashes[index++];
            if (hash != StreamTable.Refused)
            {
                restHasEntries |= hash != StreamTable.NoEntries;
                continue;
            }

            last = stream.Labels;
            if (!TryName(header, stream.Labels)) unnamed++;
        }

        if (unnamed > 0) header.Append(CultureInfo.InvariantCulture, $",+{unnamed}");
        if (!LabelSet.TryParse(last, out LabelSet? labels, out _)) throw new InvalidOperationException("labels were parsed before a stream was refused");
        (int entries, long lineBytes) = Count(request, hashes);
        var refused = new RefusedStreams { Last = labels, HeaderValue = header.ToString(), Entries = entries, LineBytes = lineBytes };
        if (!restHasEntries) return refused;
        PooledBytes? rest = json.IsEmpty ? null : SpliceJson(json, hashes, memory);
        refused.IsRestJson = rest is not null;
        refused.Rest = rest ?? Splice(request, hashes, memory);
        return refused.Rest is null ? null : refused;
    }

    /// <summary>As <see cref="Split"/>, for an OTLP export, whose resources are its streams. What is left is not compressed.</summary>
    public static RefusedStreams? SplitOtlp(ReadOnlySpan<byte> export, bool isJson, ReadOnlySpan<ulong> hashes, BodyMemory memory)
    {
        PooledBytes? kept = memory.TryRent(export.Length + OtlpHead.Length + JsonTail.Length);
        if (kept is null) return null;
        if (isJson) Append(kept, OtlpHead);
        LabelSet? last = null;
        var header = new StringBuilder();
        int unnamed = 0;
        int index = 0;
        bool isFirst = true, restHasEntries = false;
        var resources = new OtlpStreams(export, isJson);
        while (resources.TryRead(out Range bytes))
        {
            ulong hash = hashes[index++];
            if (hash == StreamTable.Refused)
            {
                last = resources.Labels;
                if (!TryName(header, last.Utf8)) unnamed++;
                continue;
            }

            restHasEntries |= hash != StreamTable.NoEntries;
            if (isJson && !isFirst) Append(kept, ","u8);
            isFirst = false;
            Append(kept, export[bytes]);
        }

        if (isJson) Append(kept, JsonTail);
        if (unnamed > 0) header.Append(CultureInfo.InvariantCulture, $",+{unnamed}");
        (int records, long bodyBytes) = CountOtlp(export, isJson);
        (int keptRecords, long keptBytes) = CountOtlp(kept.Span, isJson);
        var refused = new RefusedStreams
        {
            Last = last ?? throw new InvalidOperationException("a stream was refused"),
            HeaderValue = header.ToString(),
            Entries = records - keptRecords,
            LineBytes = bodyBytes - keptBytes,
            IsRestJson = isJson,
        };
        if (restHasEntries) refused.Rest = kept;
        else kept.Dispose();
        return refused;
    }

    /// <summary>Records of the refused resources of an export, and the bytes of their bodies.</summary>
    public static (int Entries, long LineBytes) CountOtlp(ReadOnlySpan<byte> export, bool isJson, ReadOnlySpan<ulong> hashes)
    {
        int entries = 0;
        long lineBytes = 0;
        int index = 0;
        var resources = new OtlpStreams(export, isJson);
        while (resources.TryRead(out Range bytes))
        {
            if (hashes[index++] != StreamTable.Refused) continue;
            byte[] alone = isJson ? [.. OtlpHead, .. export[bytes], .. JsonTail] : export[bytes].ToArray();
            (int records, long bodyBytes) = CountOtlp(alone, isJson);
            entries += records;
            lineBytes += bodyBytes;
        }

        return (entries, lineBytes);
    }

    /// <summary>Entries of the refused streams, and the bytes of their lines.</summary>
    public static (int Entries, long LineBytes) Count(ReadOnlySpan<byte> request, ReadOnlySpan<ulong> hashes)
    {
        int entries = 0;
        long lineBytes = 0;
        int index = 0;
        var reader = new PushReader(request);
        while (reader.TryReadStream(out PushStream stream))
        {
            if (hashes[index++] != StreamTable.Refused) continue;
            PushEntryReader reading = stream.Entries();
            while (reading.TryReadEntry(out PushEntry entry))
            {
                entries++;
                lineBytes += entry.Line.Length;
            }
        }

        return (entries, lineBytes);
    }

    public void Dispose() => Rest?.Dispose();

    private static (int Records, long BodyBytes) CountOtlp(ReadOnlySpan<byte> export, bool isJson)
    {
        OtlpLogs logs;
        if (isJson) OtlpLogs.TryReadJson(export, out logs, out _);
        else OtlpLogs.TryRead(export, out logs);
        return (logs.Records, logs.BodyBytes);
    }

    // PushRequest is nothing but its streams one after the other (and fields that Loki does not know): what stands between two refused ones is copied whole.
    private static PooledBytes? Splice(ReadOnlySpan<byte> request, ReadOnlySpan<ulong> hashes, BodyMemory memory)
    {
        using PooledBytes? kept = memory.TryRent(request.Length);
        if (kept is null) return null;
        int index = 0;
        int copiedTo = 0;
        var reader = new PushReader(request);
        while (reader.TryReadStream(out PushStream stream))
        {
            if (hashes[index++] != StreamTable.Refused) continue;
            (int start, int length) = stream.RawRange.GetOffsetAndLength(request.Length);
            Append(kept, request[copiedTo..start]);
            copiedTo = start + length;
        }

        Append(kept, request[copiedTo..]);
        PooledBytes? block = memory.TryRent(SnappyBlock.CompressedLengthMax(kept.Length));
        if (block is not null) block.Length = SnappyBlock.Compress(kept.Span, block.Buffer);
        return block;
    }

    // A document of nothing but the streams that stay. Null: no memory, or the text is nested deeper than it can be walked; the converted request serves then.
    private static PooledBytes? SpliceJson(ReadOnlySpan<byte> json, ReadOnlySpan<ulong> hashes, BodyMemory memory)
    {
        PooledBytes? kept = memory.TryRent(JsonHead.Length + json.Length + JsonTail.Length);
        if (kept is null) return null;
        Append(kept, JsonHead);
        int index = 0;
        bool isFirst = true;
        var streams = new PushJsonStreams(json);
        while (streams.TryReadStream(out Range text) && index < hashes.Length)
        {
            if (hashes[index++] == StreamTable.Refused) continue;
            if (!isFirst) Append(kept, ","u8);
            isFirst = false;
            Append(kept, json[text]);
        }

        Append(kept, JsonTail);
        if (index == hashes.Length) return kept;
        kept.Dispose();
        return null;
    }

    private static void Append(PooledBytes target, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(target.Buffer.AsSpan(target.Length));
        target.Length += bytes.Length;
    }

    private static bool TryName(StringBuilder header, ReadOnlySpan<byte> labels)
    {
        // Three characters a byte at worst, and a comma.
        if (header.Length + labels.Length * 3 + 1 > HeaderBytesMax) return false;
        if (header.Length > 0) header.Append(',');
        foreach (byte b in labels)
        {
            if (b is > 0x20 and < 0x7F and not ((byte)'%' or (byte)',' or (byte)'+')) header.Append((char)b);
            else header.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }

        return true;
    }
}
