// A push taken apart again, to send it in pieces: when a hop finds it too large, or when one of its streams is refused. Rare and off the hot
// path, so it copies freely; its memory is bounded by the batch that it came from.
using System.Runtime.InteropServices;
using System.Text;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;
using LokiGateway.Shipper.Batch;

namespace LokiGateway.Shipper.Send;

/// <summary>The entries of a push, each with the labels of its stream, in the order in which they were sent.</summary>
internal sealed class DecodedPush
{
    // A line that does not go through at this length is not refused for its length.
    private const int LineBytesMin = 256;

    /// <summary>Of one refusal: a stream that is refused as a whole need not fill the dead-letter file.</summary>
    private const int SamplesMax = 100;

    private readonly PushBody _body;
    private readonly List<(byte[] Labels, List<Entry> Entries)> _streams;

    private DecodedPush(PushBody body, List<(byte[] Labels, List<Entry> Entries)> streams) => (_body, _streams) = (body, streams);

    private readonly record struct Entry(long UnixNanos, byte[] Line, byte[] Metadata);

    /// <summary>Reads back what this program has encoded: a failure is a bug, hence the exception.</summary>
    public static DecodedPush Read(PushBody body)
    {
        byte[] request = new byte[body.DecompressedLength];
        if (SnappyBlock.TryDecode(body.Compressed.Span, request, out int length) != SnappyError.None || length != request.Length)
            throw new InvalidOperationException("a sealed push does not decompress");
        List<(byte[], List<Entry>)> streams = [];
        PushReader reader = new(request);
        while (reader.TryReadStream(out PushStream stream))
        {
            List<Entry> entries = [];
            PushEntryReader entryReader = stream.Entries();
            while (entryReader.TryReadEntry(out PushEntry entry))
                entries.Add(new Entry(entry.UnixNanos, entry.Line.ToArray(), MetadataOf(entry)));
            streams.Add((stream.Labels.ToArray(), entries));
        }
        if (reader.Error != PushError.None) throw new InvalidOperationException($"a sealed push does not decode: {reader.Error}");
        return new DecodedPush(body, streams);
    }

    /// <summary>Label texts of its streams.</summary>
    public IReadOnlySet<string> Labels() => _streams.Select(static stream => Encoding.UTF8.GetString(stream.Labels)).ToHashSet();

    /// <summary>How many entries lie in each minute of each stream, by its label text.</summary>
    public void CountInto(Dictionary<(string Labels, long MinuteNanos), int> minutes)
    {
        foreach ((byte[] labels, List<Entry> entries) in _streams)
        {
            string text = Encoding.UTF8.GetString(labels);
            foreach (Entry entry in entries) CollectionsMarshal.GetValueRefOrAddDefault(minutes, (text, BatchBuilder.MinuteOf(entry.UnixNanos)), out _)++;
        }
    }

    /// <summary>The push in two: the streams with these label texts, and the others. Null where there are none.</summary>
    /// <param name="isWanted">Asked once per stream.</param>
    /// <param name="labels">Label texts of the first half.</param>
    public (PushBody? Wanted, PushBody? Others) Divide(Func<string, bool> isWanted, out IReadOnlySet<string> labels)
    {
        HashSet<string> found = [];
        List<(byte[], List<Entry>)> wanted = [], others = [];
        foreach ((byte[] Labels, List<Entry> Entries) stream in _streams)
        {
            string text = Encoding.UTF8.GetString(stream.Labels);
            bool isOne = isWanted(text);
            if (isOne) found.Add(text);
            (isOne ? wanted : others).Add(stream);
        }
        labels = found;
        if (wanted.Count == 0) return (null, _body);
        return others.Count == 0 ? (_body, null) : (Encode(wanted), Encode(others));
    }

    /// <summary>
    /// Samples of the entries that a text of Loki's is about. It names a stream or none, and how many; which ones they are follows from the reason:
    /// the oldest of them are too old, the newest too new, the longest too long.
    /// </summary>
    /// <param name="rejection">Reason and number.</param>
    /// <param name="lokisStream">The stream in Loki's spelling; null or unknown: any.</param>
    /// <param name="answer">For the sample.</param>
    /// <param name="keep">Takes them.</param>
    public void Sample(LokiRejection rejection, string? lokisStream, string answer, RejectedEntries keep)
    {
        List<(byte[] Labels, Entry Entry)> candidates = [];
        foreach ((byte[] labels, List<Entry> entries) in _streams)
        {
            if (lokisStream is not null && !LokiRejection.IsNamed(Encoding.UTF8.GetString(labels), lokisStream)) continue;
            foreach (Entry entry in entries) candidates.Add((labels, entry));
        }
        IEnumerable<(byte[] Labels, Entry Entry)>? culprits = candidates.Count == rejection.Entries ? candidates : rejection.Reason switch
        {
            "greater_than_max_sample_age" or "too_far_behind" => candidates.OrderBy(static candidate => candidate.Entry.UnixNanos),
            "too_far_in_future" => candidates.OrderByDescending(static candidate => candidate.Entry.UnixNanos),
            "line_too_long" => candidates.OrderByDescending(static candidate => candidate.Entry.Line.Length),
            "structured_metadata_too_large" or "structured_metadata_too_many" =>
                candidates.OrderByDescending(static candidate => candidate.Entry.Metadata.Length),
            _ => null,
        };
        string tenant = _body.Tenant ?? "";
        if (culprits is null)
        {
            if (keep.MayKeep()) keep.Keep(new RejectedEntry(tenant, lokisStream ?? "", null, null, 0, rejection.Reason, answer, rejection.Entries));
            return;
        }
        long left = rejection.Entries;
        int samples = 0;
        foreach ((byte[] labels, Entry entry) in culprits)
        {
            if (left == 0 || !keep.MayKeep()) return;
            // The last sample stands for those that are not kept.
            long standsFor = ++samples == SamplesMax ? left : 1;
            keep.Keep(new RejectedEntry(
                tenant, Encoding.UTF8.GetString(labels), entry.UnixNanos, RejectedEntry.SampleOf(entry.Line), entry.Line.Length, rejection.Reason, answer, standsFor));
            left -= standsFor;
        }
    }

    /// <summary>Label text of its only stream, or of the one that Loki names so; null: it cannot be told.</summary>
    public string? StreamNamed(string? lokisStream)
    {
        if (_streams.Count == 1) return Encoding.UTF8.GetString(_streams[0].Labels);
        if (lokisStream is null) return null;
        string? named = null;
        foreach ((byte[] labels, _) in _streams)
        {
            string text = Encoding.UTF8.GetString(labels);
            if (!LokiRejection.IsNamed(text, lokisStream)) continue;
            if (named is not null) return null;
            named = text;
        }
        return named;
    }

    /// <summary>Two pushes of about half the streams each. Call only with two streams or more.</summary>
    public (PushBody First, PushBody Second) HalveByStream()
    {
        int half = _streams.Count / 2;
        return (Encode(_streams[..half]), Encode(_streams[half..]));
    }

    /// <summary>Two pushes of about half the bytes each, cut between entries; null when there is a single entry.</summary>
    public (PushBody First, PushBody Second)? HalveByBytes()
    {
        if (_body.Lines < 2) return null;
        long total = 0;
        foreach ((_, List<Entry> entries) in _streams)
            foreach (Entry entry in entries) total += entry.Line.Length + entry.Metadata.Length;
        List<(byte[], List<Entry>)> first = [], second = [];
        long before = 0;
        int placed = 0;
        foreach ((byte[] labels, List<Entry> entries) in _streams)
        {
            List<Entry> left = [], right = [];
            foreach (Entry entry in entries)
            {
                // The first entry always goes left and the last one always right, so that both halves have one.
                bool goesLeft = placed == 0 || before + entry.Line.Length <= total / 2 && placed < _body.Lines - 1;
                (goesLeft && right.Count == 0 && second.Count == 0 ? left : right).Add(entry);
                before += entry.Line.Length + entry.Metadata.Length;
                placed++;
            }
            if (left.Count > 0) first.Add((labels, left));
            if (right.Count > 0) second.Add((labels, right));
        }
        return (Encode(first), Encode(second));
    }

    /// <summary>The push with its only line cut in half and marked; null when the line is too short for that to be the remedy.</summary>
    public PushBody? CutLine(ReadOnlySpan<byte> marker)
    {
        (byte[] labels, List<Entry> entries) = _streams[0];
        Entry entry = entries[0];
        if (entry.Line.Length < LineBytesMin) return null;
        int keep = entry.Line.Length / 2;
        // Not in the middle of a UTF-8 sequence: step back over continuation bytes.
        while (keep > 0 && (entry.Line[keep] & 0xC0) == 0x80) keep--;
        byte[] line = [.. entry.Line.AsSpan(0, keep), .. marker];
        return Encode([(labels, [entry with { Line = line }])]);
    }

    private PushBody Encode(List<(byte[] Labels, List<Entry> Entries)> streams)
    {
        using MemoryStream request = new();
        int lines = 0;
        foreach ((byte[] labels, List<Entry> entries) in streams)
        {
            byte[] encoded = EncodeEntries(entries);
            byte[] header = new byte[PushWriter.StreamHeaderLength(labels.Length, encoded.Length)];
            PushWriter.WriteStreamHeader(header, labels, encoded.Length);
            request.Write(header);
            request.Write(encoded);
            lines += entries.Count;
        }
        int length = (int)request.Length;
        byte[] compressed = new byte[SnappyBlock.CompressedLengthMax(length)];
        int compressedLength = SnappyBlock.Compress(request.GetBuffer().AsSpan(0, length), compressed);
        return _body with
        {
            Compressed = compressed.AsMemory(0, compressedLength),
            DecompressedLength = length,
            Lines = lines,
            Streams = streams.Count,
            Stamp = StampOf(lines),
        };
    }

    private static byte[] EncodeEntries(List<Entry> entries)
    {
        int lengthMax = 0;
        foreach (Entry entry in entries) lengthMax += PushWriter.EntryLengthMax(entry.Line.Length, entry.Metadata.Length);
        byte[] encoded = new byte[lengthMax];
        int length = 0;
        foreach (Entry entry in entries) length += PushWriter.WriteEntry(encoded.AsSpan(length), entry.UnixNanos, entry.Line, entry.Metadata);
        return encoded[..length];
    }

    private static byte[] MetadataOf(PushEntry entry)
    {
        if (entry.MetadataCount == 0) return [];
        List<byte> encoded = [];
        MetadataReader pairs = entry.Metadata();
        while (pairs.TryRead(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            byte[] pair = new byte[PushWriter.MetadataPairLength(name.Length, value.Length)];
            PushWriter.WriteMetadataPair(pair, name, value);
            encoded.AddRange(pair);
        }
        return [.. encoded];
    }

    // A piece keeps the stamp of its batch but for the number of lines: that must be what the gateway counts in this very request.
    private string? StampOf(int lines) =>
        _body.Stamp is { } stamp && Protocol.Completeness.BatchStamp.TryParse(stamp, out Protocol.Completeness.BatchStamp parsed)
            ? (parsed with { Lines = lines }).ToString()
            : null;
}
