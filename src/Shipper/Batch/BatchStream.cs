using LokiGateway.Protocol.Labels;

namespace LokiGateway.Shipper.Batch;

/// <summary>A Loki stream in one batch builder: its labels, and where its entries lie in the open batch. Lane only.</summary>
internal sealed class BatchStream(LabelSet labels)
{
    private readonly byte[] _labelsUtf8 = labels.Utf8.ToArray();

    public LabelSet Labels { get; } = labels;

    public ReadOnlySpan<byte> LabelsUtf8 => _labelsUtf8;

    /// <summary>Files that use it; the last one takes it out of the table.</summary>
    public int Users { get; set; }

    // The open batch: indexes into the builder's runs; -1 = not in this batch. Reset when the batch is sealed.
    internal int FirstRun = -1;
    internal int LastRun = -1;
    internal int EntriesBytes;
}
