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

    public int Entries { get; private set; }

    public long LineBytes { get; private set; }

    /// <summary>The label string, as sent, of the last refused stream: the one that Loki's text names.</summary>
    public required LabelSet Last { get; init; }

    /// <summary>
    /// Value of <see cref="Header"/>: label strings as sent, percent-encoded, separated by commas; <c>+N</c> at the end for those that did not fit.
    /// </summary>
    public required string HeaderValue { get; init; }

    /// <summary>A snappy block with the streams that stay; null when none of them has an entry. </summary>
    public PooledBytes? Rest { get; private set; }

    /// <summary>Splits a request. Null when there is no memory for it.</summary>
    /// <param name="request">The inspected request, decoded.</param>
    /// <param name="hashes">Its streams after <see cref="StreamTable.Admit(Span{ulong}, uint, int)"/>.</param>
    /// <param name="memory">For the rest.</param>
    public static RefusedStreams? Split(ReadOnlySpan<byte> request, ReadOnlySpan<ulong> hashes, BodyMemory memory)
    {
        int entries = 0;
        long lineBytes = 0;
        ReadOnlySpan<byte> last = default;
        var header = new StringBuilder();
        int unnamed = 0;
        using PooledBytes? kept = memory.TryRent(request.Length);
        if (kept is null) return null;

        int index = 0;
        int copiedTo = 0;
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

            (int start, int length) = stream.RawRange.GetOffsetAndLength(request.Length);
            Append(kept, request[copiedTo..start]);
            copiedTo = start + length;
            last = stream.Labels;
            if (!TryName(header, stream.Labels)) unnamed++;
            PushEntryReader reading = stream.Entries();
            while (reading.TryReadEntry(out PushEntry entry))
            {
                entries++;
                lineBytes += entry.Line.Length;
            }
        }

        Append(kept, request[copiedTo..]);
        if (unnamed > 0) header.Append(CultureInfo.InvariantCulture, $",+{unnamed}");
        if (!LabelSet.TryParse(last, out LabelSet? labels, out _)) throw new InvalidOperationException("labels were parsed before a stream was refused");
        PooledBytes? rest = null;
        if (restHasEntries)
        {
            rest = memory.TryRent(SnappyBlock.CompressedLengthMax(kept.Length));
            if (rest is null) return null;
            rest.Length = SnappyBlock.Compress(kept.Span, rest.Buffer);
        }

        return new RefusedStreams { Last = labels, HeaderValue = header.ToString(), Entries = entries, LineBytes = lineBytes, Rest = rest };
    }

    public void Dispose() => Rest?.Dispose();

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
