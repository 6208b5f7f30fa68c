// The identities of a request's streams, and whether Loki could read their labels at all.
using System.Diagnostics.CodeAnalysis;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Push;

namespace LokiGateway.Gateway.Admit;

internal static class StreamHashes
{
    /// <summary>
    /// One hash per stream, in the order of the request. One label string that cannot be parsed refuses the whole request, as in Loki. Nothing is allocated
    /// for a label string in canonical form, which is what every shipper sends.
    /// </summary>
    /// <param name="request">A request that was inspected without an error.</param>
    /// <param name="inspected">What the inspection found.</param>
    /// <param name="hashes">As long as the request has streams.</param>
    /// <param name="error">Loki's words.</param>
    public static bool TryRead(ReadOnlySpan<byte> request, in PushSummary inspected, Span<ulong> hashes, [NotNullWhen(false)] out string? error)
    {
        var reader = new PushReader(request, inspected);
        int index = 0;
        while (reader.TryReadStream(out PushStream stream))
        {
            if (!TryHash(stream.Labels, out ulong hash, out error)) return false;
            PushEntryReader entries = stream.Entries();
            hashes[index++] = entries.TryReadEntry(out _) ? StreamTable.Key(hash) : StreamTable.NoEntries;
        }

        error = null;
        return true;
    }

    /// <summary>One hash for each resource of an OTLP export; false when they cannot be told apart, and are left to Loki.</summary>
    public static bool TryReadOtlp(ReadOnlySpan<byte> export, bool isJson, Span<ulong> hashes)
    {
        var resources = new OtlpStreams(export, isJson);
        int index = 0;
        while (resources.TryRead(out _))
        {
            if (index == hashes.Length) return false;
            hashes[index++] = resources.HasRecords ? StreamTable.Key(resources.Labels.Hash) : StreamTable.NoEntries;
        }

        return index == hashes.Length;
    }

    private static bool TryHash(ReadOnlySpan<byte> labels, out ulong hash, [NotNullWhen(false)] out string? error)
    {
        error = null;
        if (LabelText.TryHashCanonical(labels, out hash)) return true;
        if (!LabelSet.TryParse(labels, out LabelSet? set, out string? fault))
        {
            error = $"couldn't parse labels: {fault}";
            return false;
        }

        hash = set.Hash;
        return true;
    }
}
