// What the stages behind Tail know of one file, tied to it through TailedFile.Frame.
using System.Text;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Label;
using LokiGateway.Shipper.Send;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper;

/// <summary>Lane only. Made when the lane first looks at a file; the streams when its first line shows the format.</summary>
internal sealed class PipelineFile(FileFraming framing, TailedFile file, LabelResolver resolver, PipelineTenant tenant, SourceOptions source, bool isReduced) : FileFrame
{
    private BatchStream? _stdout;
    private BatchStream? _stderr;
    private byte[]? _stdoutMetadata;
    private byte[]? _stderrMetadata;
    private volatile int _parked;

    // What Framing works on: emptied in place, the file is already its next generation while parts of the old one wait for room.
    private FileIdentity _identity = file.Identity;
    private int _generation = file.Generation;
    private long _bookedByte = file.Acked.Offset;

    public FileFraming Framing { get; } = framing;

    /// <summary>A file as its lane first sees it.</summary>
    public static PipelineFile Of(TailedFile file, SourceOptions source, LineStages? stages, PipelineTenant tenant, LabelResolver labels, int lanes)
    {
        // Not the inode: a generation that was compressed has another one, and its lines must get the same times again.
        ulong salt = file.PathHash * 0x9E3779B97F4A7C15;
        FilePosition from = file.Acked;
        var framing = new FileFraming(source.Format, source.Timestamp, salt, FrameState.From(from.Frame), StreamPlaces.From(from.Offset, from.Frame))
        {
            Stages = stages,
            MultiLine = stages?.MultiLine is null ? null : new MultiLineFile(),
        };
        bool isReduced = labels.Enter(file.LogicalPath, file.Source.Index, file.Lane, lanes);
        return new PipelineFile(framing, file, labels, tenant, source, isReduced);
    }

    public PipelineTenant Tenant { get; } = tenant;

    /// <summary>The batch that holds its last framed lines; 0: none yet.</summary>
    public long LastSequence { get; set; }

    /// <summary>The drain request in which it was last read again for an unterminated last line.</summary>
    public int RestAskedFor { get; set; }

    /// <summary>The drain request in which it was last seen read to its end.</summary>
    public int EndSeenFor { get; set; }

    /// <summary>The content was replaced, and parts of the old one still wait for room in a batch.</summary>
    public bool OldContentPending { get; set; }

    /// <summary>The generation before, as long as lines that it began are open in this one.</summary>
    public TailedFile? PartsFrom { get; set; }

    /// <summary>When a part of a line came last, for <see cref="ShipperPipeline"/>'s patience.</summary>
    public long PartsSince { get; set; }

    /// <summary>
    /// Set and reset by the sender: the streams of it that are over their limit, with lines that wait in memory; what else there is of them stays in the file.
    /// Set before the batch is done, so whoever sees that sees this.
    /// </summary>
    public LineStreams Parked { get => (LineStreams)_parked; set => _parked = (int)value; }

    /// <summary>The file before this one, as long as a stream is behind in it.</summary>
    public TailedFile? Older { get; set; }

    /// <summary>Whether lines of it are not decided, in a batch or parked.</summary>
    public bool HasLinesInFlight => LastSequence > Tenant.DoneSequence || Parked != LineStreams.None;

    public BatchStream Stdout => _stdout ??= Tenant.Use(IsRaw ? Labels.Whole : Labels.With("stdout"));

    public BatchStream Stderr => _stderr ??= Tenant.Use(Labels.With("stderr"));

    /// <summary>Encoded structured metadata of every entry on stdout (and of a raw file).</summary>
    public byte[] StdoutMetadata => _stdoutMetadata ??= EntryMetadata.Encode(source, file.LogicalPath, IsRaw, isReduced, "stdout");

    public byte[] StderrMetadata => _stderrMetadata ??= source.StreamMetadata
        ? EntryMetadata.Encode(source, file.LogicalPath, IsRaw, isReduced, "stderr")
        : StdoutMetadata;

    /// <summary>Sender: which of the file's streams have one of these label texts; some of its lines are not decided.</summary>
    public LineStreams StreamsIn(IReadOnlySet<string> labels) =>
        (Is(_stdout, labels) ? LineStreams.Stdout : LineStreams.None) | (Is(_stderr, labels) ? LineStreams.Stderr : LineStreams.None);

    /// <summary>Sender: label texts of the streams that lines of it were sent to.</summary>
    public IEnumerable<string> LabelTexts()
    {
        if (_stdout is { } stdout) yield return TextOf(stdout);
        if (_stderr is { } stderr && !ReferenceEquals(stderr, _stdout)) yield return TextOf(stderr);
    }

    /// <summary>A line that Loki would refuse for certain: counted and sampled, not sent.</summary>
    public bool KeepOut(BatchStream stream, long unixNanos, ReadOnlySpan<byte> line)
    {
        string reason = stream.RefusedFor ?? (unixNanos < stream.Window.Oldest ? "greater_than_max_sample_age" : "too_far_in_future");
        Tenant.Builder.KeepOut(unixNanos, reason);
        if (Tenant.Samples.MayKeep())
        {
            Tenant.Samples.Keep(new RejectedEntry(
                Tenant.Tenant, Encoding.UTF8.GetString(stream.LabelsUtf8), unixNanos, RejectedEntry.SampleOf(line), line.Length, reason, "", 1));
        }
        return true;
    }

    /// <summary>Resolved again when they are needed, once or twice in a file's life: kept, they would weigh more than all the rest.</summary>
    private FileLabels Labels => resolver.Resolve(file.LogicalPath, file.Source.Index, isReduced);

    /// <summary>The books of its source; opened with the first entry, so that a silent file has none.</summary>
    public SourceBook? Book { get; private set; }

    /// <summary>Time of the last entry, Unix nanoseconds.</summary>
    public long LastUnixNanos => Math.Max(Framing.State.Stdout.Assigned, Framing.State.Stderr.Assigned);

    /// <summary>What is written to stdout and to stderr has the same labels.</summary>
    public bool IsOneStream => IsRaw || ReferenceEquals(Stdout, Stderr);

    public bool IsRaw => Framing.State.Format is SourceFormat.Raw or SourceFormat.Auto;

    /// <summary>Where the entries come from that were framed last, for the books.</summary>
    public PartOrigin OriginOf(long entries)
    {
        Book ??= Tenant.Account.OpenFile(SourceName.Of(file.LogicalPath));
        long from = _bookedByte;
        if (_generation == file.Generation) (_identity, _bookedByte) = (file.Identity, file.ReadOffset);
        return new PartOrigin(Book, file, _identity, _generation, Framing.State.Entries - entries, from, _bookedByte);
    }

    /// <summary>Reading begins again at an earlier place, with lines that were passed over.</summary>
    public void WentBackTo(long offset) => _bookedByte = Math.Min(_bookedByte, offset);

    /// <summary>The old content is done with; what is framed from now on is the new one's.</summary>
    public void BeginNextGeneration()
    {
        Framing.BeginNextGeneration();
        (_identity, _generation, _bookedByte) = (file.Identity, file.Generation, 0);
    }

    /// <summary>Any thread: whether entries of it may be in the stream with this label text.</summary>
    public bool IsIn(ReadOnlySpan<byte> labelsUtf8) =>
        _stdout is { } stdout && stdout.LabelsUtf8.SequenceEqual(labelsUtf8) || _stderr is { } stderr && stderr.LabelsUtf8.SequenceEqual(labelsUtf8);

    /// <summary>Where the file is done when everything framed so far is.</summary>
    public FilePosition PositionIn(TailedFile tailed)
    {
        long offset = Framing.ResumeAt(tailed.ReadOffset, out FramePosition frame);
        return tailed.PositionAt(offset, frame);
    }

    public void Release()
    {
        Framing.Release();
        if (Book is not null) Tenant.Account.CloseFile(Book);
        Book = null;
        if (_stdout is not null) Tenant.Leave(_stdout);
        if (_stderr is not null) Tenant.Leave(_stderr);
        _stdout = _stderr = null;
        if (!isReduced) resolver.Leave(file.LogicalPath, file.Source.Index);
    }

    private static bool Is(BatchStream? stream, IReadOnlySet<string> labels) => stream is not null && labels.Contains(TextOf(stream));

    private static string TextOf(BatchStream stream) => Encoding.UTF8.GetString(stream.LabelsUtf8);
}

/// <summary>Ties Frame to Batch without either knowing the other.</summary>
internal readonly struct BatchSink(PipelineFile file, BatchBuilder builder) : IEntrySink
{
    // Streams and metadata are asked for per line because they are known only when Frame has seen the first one.
    public bool TryAdd(LineStream stream, long unixNanos, ReadOnlySpan<byte> line)
    {
        (BatchStream to, byte[] metadata) = stream == LineStream.Stdout ? (file.Stdout, file.StdoutMetadata) : (file.Stderr, file.StderrMetadata);
        return to.Window.Has(unixNanos) ? builder.TryAdd(to, unixNanos, line, metadata) : file.KeepOut(to, unixNanos, line);
    }
}
