using LokiGateway.Protocol.Labels;

namespace LokiGateway.Shipper.Batch;

/// <summary>A Loki stream in one batch builder: its labels, and where its entries lie in the open batch. Lane only.</summary>
/// <remarks>Equal when the labels are. Only their text is kept: there is a stream for each of 10,000 files, and the text is all that a push needs.</remarks>
internal sealed class BatchStream : IEquatable<BatchStream>
{
    private readonly byte[] _labelsUtf8;
    private readonly ulong _labelsHash;

    /// <param name="labels">Its labels.</param>
    /// <param name="window">The lane's window of acceptable times; null: any time.</param>
    public BatchStream(LabelSet labels, EntryWindow? window = null)
    {
        _labelsUtf8 = labels.Utf8.ToArray();
        _labelsHash = labels.Hash;
        RefusedFor = StreamRefusal.ReasonOf(labels);
        Window = RefusedFor is null ? window ?? EntryWindow.Everything : EntryWindow.Nothing;
    }

    public ReadOnlySpan<byte> LabelsUtf8 => _labelsUtf8;

    /// <summary>Loki's reason for refusing every entry of it; null: none that is known.</summary>
    public string? RefusedFor { get; }

    /// <summary>Times that its entries may have: the lane's, or none at all when <see cref="RefusedFor"/> says so.</summary>
    public EntryWindow Window { get; }

    /// <summary>Files that use it; the last one takes it out of the table.</summary>
    public int Users { get; set; }

    // The open batch: indexes into the builder's runs; -1 = not in this batch. Reset when the batch is sealed.
    internal int FirstRun = -1;
    internal int LastRun = -1;
    internal int EntriesBytes;

    public bool Equals(BatchStream? other) => other is not null && _labelsHash == other._labelsHash && LabelsUtf8.SequenceEqual(other.LabelsUtf8);

    public override bool Equals(object? obj) => Equals(obj as BatchStream);

    public override int GetHashCode() => _labelsHash.GetHashCode();
}
