// What one push request adds to the store, after validation: positions into the decoded request instead of copies of its lines.

using System.Buffers;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.LocalLoki.Store;

/// <summary>One stream of a batch: <see cref="Count"/> entries of the batch from <see cref="First"/> on.</summary>
internal readonly record struct BatchStream(LabelSet Labels, int First, int Count);

/// <summary>An entry: its line within the request, its metadata within the batch's own buffer (length 0: none).</summary>
internal readonly record struct BatchEntry(long UnixNanos, int LineStart, int LineLength, int MetadataStart, int MetadataLength);

/// <param name="Tenant">Whose data.</param>
/// <param name="Request">The decoded request. Owned by the caller, who must not reuse it before the append has finished.</param>
internal sealed record PushBatch(string Tenant, ReadOnlyMemory<byte> Request)
{
    public List<BatchStream> Streams { get; } = [];

    public List<BatchEntry> Entries { get; } = [];

    public ArrayBufferWriter<byte> Metadata { get; } = new();

    public ReadOnlySpan<byte> Line(in BatchEntry entry) => Request.Span.Slice(entry.LineStart, entry.LineLength);

    public ReadOnlySpan<byte> MetadataOf(in BatchEntry entry) => Metadata.WrittenSpan.Slice(entry.MetadataStart, entry.MetadataLength);
}
