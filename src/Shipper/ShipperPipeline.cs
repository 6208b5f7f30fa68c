// The whole way of a line, for the files of one lane. Everything here runs on the lane's own thread without locks per line; the only other threads are the
// scanner, which hands in files, and the senders' tasks, which report what became of a batch.
using System.IO.Pipelines;
using LokiGateway.Protocol;
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper;

/// <summary>
/// One lane. A pass over its files:
/// <list type="number">
/// <item>Discover: take in the files that the scanner found.</item>
/// <item>Tail: of each file that is due and whose tenant has room, read a chunk at its offset.</item>
/// <item>Frame: cut the chunk into entries, join parts, give every entry a unique time.</item>
/// <item>Label: the file's streams were resolved from its path when it was first read.</item>
/// <item>Batch: encode the entries into the tenant's open batch; note how far the file is framed.</item>
/// <item>Send: a batch that is full or old enough is compressed and handed to the tenant's sender, if that is idle. If it is not, the tenant's
/// files are left alone until it is: the file is the buffer. So are the lines of a stream that is over its limit (<see cref="StreamHold"/>).</item>
/// <item>Commit: when a batch is decided, its positions are published; the committer saves them every second.</item>
/// </list>
/// </summary>
internal sealed class ShipperPipeline : IDisposable
{
    /// <summary>One turn of a file: long enough for good compression and few stream headers, short enough to be fair.</summary>
    private const int TurnBytes = 1 << 20;

    /// <summary>A read of this size still fits the second-level cache together with what is made of it.</summary>
    private const int ChunkBytes = 256 << 10;

    /// <summary>How long the lane sleeps when nothing is to do; what ends the sleep early is a batch to seal, a sender's answer, a new file.</summary>
    private static readonly TimeSpan IdlePause = TimeSpan.FromMilliseconds(100);

    /// <summary>A container that wrote half a line and fell silent (it crashed) gets the half shipped after this; Vector waits as long.</summary>
    private static readonly TimeSpan PartsPatience = TimeSpan.FromSeconds(30);

    private readonly int _lane;
    private readonly ShipperOptions _options;
    private readonly ShipperParts _parts;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly LaneFiles _files;
    private readonly FileTail _tail;
    private readonly ChunkPool _chunks;
    private readonly Pipe _pipe;
    private readonly LineFramer _framer;
    private readonly LineStages?[] _stages;
    private readonly BatchSealer _sealer;
    private readonly int _chunkBytes;
    private readonly Dictionary<string, PipelineTenant> _tenants = [];
    private readonly EntryWindow _window = new();
    private readonly List<TailedFile> _due = [];
    private readonly EndingFiles _ending = new();
    private readonly List<KeptOutPart> _keptOut = [];
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private volatile PipelineTenant[] _tenantList = [];
    private volatile bool _stopping;
    private volatile int _drainRequest;
    private volatile int _drainDone;
    private readonly List<(PipelineTenant Tenant, long Sequence)> _drainTargets = [];
    private int _drainTargetsOf;
    private CancellationToken _abandon;
    private long _readNanos;

    public ShipperPipeline(int lane, ShipperOptions options, ShipperParts parts, FileScanner scanner, ILogger log, TimeProvider time)
    {
        (_lane, _options, _parts, _log, _time) = (lane, options, parts, log, time);
        _files = new LaneFiles(time);
        _tail = new FileTail(time, log, scanner.SearchCopy, parts.FileLosses.Report);
        // Open lines and entries may take an eighth of limits.memory, all lanes together; the longest line alone (twice while its buffer grows) always fits.
        long openBytes = Math.Max(options.Limits.MemoryBytes / 8 / options.Endpoint.Shards, 4L * options.Limits.LineBytesMax);
        _framer = new LineFramer(options.Limits.LineBytesMax, time.LocalTimeZone, openBytes);
        _stages = [.. options.Sources.Select(source => LineStages.Of(source.MultiLine, source.Redaction, options.Limits.LineBytesMax))];
        _chunkBytes = Math.Max(ChunkBytes, _framer.LongLineBytes);
        _chunks = new ChunkPool(_chunkBytes);
        _pipe = new Pipe(new PipeOptions(_chunks, pauseWriterThreshold: 0, minimumSegmentSize: _chunkBytes, useSynchronizationContext: false));
        _sealer = new BatchSealer(parts.Buffers, options.Endpoint.BatchSizeBytes, options.Limits.LineBytesMax);
        Scanner = scanner;
        _thread = new Thread(Run) { IsBackground = true, Name = $"lane {lane}" };
    }

    private FileScanner Scanner { get; }

    /// <summary>Any thread: the tenants of this lane so far.</summary>
    public IReadOnlyList<PipelineTenant> Tenants => _tenantList;

    /// <param name="abandon">Ends sends that the endpoint does not answer; after it nothing more is acknowledged.</param>
    public void Start(CancellationToken abandon)
    {
        _abandon = abandon;
        _abandon.Register(static lane => ((ShipperPipeline)lane!)._wake.Set(), this);
        _thread.Start();
    }

    /// <summary>No more reading; what is batched is sent. <see cref="Join"/> waits for that.</summary>
    public void Stop()
    {
        foreach (PipelineTenant tenant in _tenantList) tenant.Sender.StopRetries();
        _stopping = true;
        _wake.Set();
    }

    /// <summary>Waits until everything batched is decided, or abandoned.</summary>
    public void Join()
    {
        if (_thread.IsAlive) _thread.Join();
        Task.WaitAll([.. _tenantList.Select(static tenant => tenant.Sender.Ended)]);
        _ending.LetGo();
    }

    /// <summary>Asks for everything that is there now to be read and decided; <see cref="IsDrained"/> tells when.</summary>
    public void RequestDrain(int request)
    {
        _drainRequest = request;
        _wake.Set();
    }

    public bool IsDrained(int request) => _drainDone >= request;

    public void Dispose()
    {
        foreach (PipelineTenant tenant in _tenantList) tenant.Sender.Dispose();
        _wake.Dispose();
        _chunks.Dispose();
        _tail.Dispose();
    }

    private void Run()
    {
        while (!_stopping)
        {
            int drain = _drainRequest;
            bool progress = Pass(drain, out bool allAtEnd);
            if (drain > _drainDone && allAtEnd && IsDecided(drain)) _drainDone = drain;
            if (!progress) _wake.WaitOne(Pause(drain > _drainDone));
        }
        // One last send: whatever the batches hold, as soon as each sender is free. Entries of several lines are complete as they are: the node may be going, too.
        _due.Clear();
        _files.TakeAll(_due);
        while (!_abandon.IsCancellationRequested)
        {
            bool ended = EndBlocks();
            foreach (PipelineTenant tenant in _tenants.Values) TrySeal(tenant);
            if (ended && IsFlushed()) break;
            _wake.WaitOne(IdlePause);
        }
    }

    /// <summary>Whether what was batched when all files were first seen at their end is decided; what writers added since does not count.</summary>
    private bool IsDecided(int drain)
    {
        if (_drainTargetsOf != drain)
        {
            _drainTargets.Clear();
            foreach (PipelineTenant tenant in _tenants.Values) _drainTargets.Add((tenant, tenant.LastSequence));
            _drainTargetsOf = drain;
        }
        foreach ((PipelineTenant tenant, long sequence) in _drainTargets)
            if (!tenant.IsDecided(sequence)) return false;
        return true;
    }

    private bool IsFlushed()
    {
        foreach (PipelineTenant tenant in _tenants.Values)
            if (tenant.Builder.Lines > 0 || tenant.IsSending) return false;
        return true;
    }

    private bool Pass(int drain, out bool allAtEnd)
    {
        // 1. Discover.
        while (Scanner.Inbox(_lane).TryDequeue(out TailedFile? found)) _files.Add(found);
        _ending.LetGo();
        _due.Clear();
        bool draining = drain > _drainDone;
        if (draining) _files.TakeAll(_due);
        else _files.TakeDue(_due);
        _parts.Renew(_window);
        _readNanos = _time.GetUnixNanos();
        bool progress = false;
        allAtEnd = true;
        foreach (TailedFile file in _due)
        {
            FileTurn turn = Visit(file, draining ? drain : 0);
            progress |= turn == FileTurn.HadData;
            if (turn == FileTurn.Ended) continue;
            allAtEnd &= draining && file.Frame is PipelineFile { EndSeenFor: var seen } && seen == drain;
            _files.Return(file, busy: turn is FileTurn.HadData or FileTurn.Waits);
        }
        // 6. Send what is full or old enough.
        foreach (PipelineTenant tenant in _tenants.Values)
            if (tenant.Builder.Lines > 0 && (draining || tenant.Builder.IsFull || Age(tenant) >= _options.Endpoint.BatchWait)) progress |= TrySeal(tenant);
        return progress;
    }

    private FileTurn Visit(TailedFile file, int drain)
    {
        if (file.IsHeldBack && !file.IsGivenUp) return FileTurn.Waits;
        PipelineFile state = (PipelineFile?)file.Frame ?? Open(file);
        TailedFile? older = file.TakePredecessor(out TailedFile? earlierRun);
        if (older is not null) PartsHandover.Inherit(file, state, older);
        if ((older ?? earlierRun) is { } before) StreamHold.Follow(state, before);
        if (!StreamHold.Arrange(file, state)) return FileTurn.Waits;
        try
        {
            return Read(file, state, drain);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // A defect that one file's bytes bring out must not stop the others.
            Log.LaneFailed(_log, file.CurrentPath, file.ReadOffset, failure);
            return FileTurn.Failed;
        }
        finally
        {
            // What Frame did not consume is dropped: the file is the buffer.
            if (_pipe.Reader.TryRead(out ReadResult left)) _pipe.Reader.AdvanceTo(left.Buffer.End);
        }
    }

    /// <summary>2. Tail: chunks of one file, until its turn is over, it ends or its tenant has no room.</summary>
    private FileTurn Read(TailedFile file, PipelineFile state, int drain)
    {
        if (state.OldContentPending && !EndOldContent(state)) return FileTurn.Waits;
        int held = 0;
        long framedBytes = 0;
        if (file.IsGivenUp) _tail.Read(file, file.ReadOffset, _pipe.Writer, _chunkBytes);
        while (framedBytes < TurnBytes)
        {
            if (!HasRoom(state.Tenant) || (!file.IsGivenUp && !_parts.ReadRate.MayRead())) return FileTurn.Waits;
            TailRead read = _tail.Read(file, file.ReadOffset + held, _pipe.Writer, _chunkBytes - held);
            switch (read.Kind)
            {
                case TailReadKind.Data:
                    _parts.ReadRate.Took(read.Bytes);
                    int consumed = FrameHeld(file, state, ChunkEnd.Open, out held, out bool room);
                    framedBytes += consumed;
                    if (room) break;
                    file.HasUnframedLines = true;
                    return FileTurn.Waits;
                case TailReadKind.EndOfFile:
                    return AtEnd(file, state, held, drain);
                case TailReadKind.EndOfGeneration when state.Framing.Places?.Held is not null:
                    // Of one stream only: the other one's lines are still to be read.
                    return AtEnd(file, state, held, drain);
                case TailReadKind.EndOfGeneration:
                case TailReadKind.GivenUp:
                    return EndGeneration(file, state, read.Kind, drain);
                case TailReadKind.Waits:
                    return read.Bytes > 0 ? FileTurn.HadData : FileTurn.Waits;
                case TailReadKind.Truncated:
                    // The file has begun its next generation; parts of the old content are all that there will be of their lines.
                    if (!EndOldContent(state)) return FileTurn.Waits;
                    return FileTurn.HadData;
                case TailReadKind.Failed:
                default:
                    return FileTurn.Failed;
            }
        }
        return FileTurn.HadData;
    }

    private FileTurn EndGeneration(TailedFile file, PipelineFile state, TailReadKind kind, int drain)
    {
        if (kind == TailReadKind.EndOfGeneration && state.Framing.HasParts && file.HasSuccessor && !IsOutOfPatience(state))
        {
            // The next generation is about to be looked at, and takes the open line over.
            state.EndSeenFor = drain;
            return FileTurn.AtEnd;
        }
        // Of a file that is given up, only what was framed is shipped; the pipe is empty then.
        FrameHeld(file, state, ChunkEnd.Final, out _, out bool room);
        if (!room)
        {
            file.HasUnframedLines = true;
            return FileTurn.Waits;
        }
        Publish(file, state);
        _ending.Add(file, state);
        file.Drained = true;
        return FileTurn.Ended;
    }

    private bool IsOutOfPatience(PipelineFile state) => _time.GetElapsedTime(state.PartsSince) >= PartsPatience;

    private bool EndOldContent(PipelineFile state)
    {
        BatchSink sink = SinkOf(state);
        state.OldContentPending = !_framer.EndParts(state.Framing, ref sink);
        // Positions of the old content are void, so there is nothing to mark; but its lines are on their way.
        if (Count(state, 0) > 0) state.LastSequence = state.Tenant.OpenSequence;
        PartsHandover.Settle(state);
        if (state.OldContentPending) return false;
        state.BeginNextGeneration();
        return true;
    }

    private FileTurn AtEnd(TailedFile file, PipelineFile state, int held, int drain)
    {
        if (drain > 0 && state.IsRaw && state.RestAskedFor < drain)
        {
            // "All there is" includes a last line that nobody ended with a newline. Container logs are different: what lacks its newline is torn.
            state.RestAskedFor = drain;
            file.HasUnframedLines = true;
            return FileTurn.HadData;
        }
        if (drain > 0 && state.IsRaw && held > 0)
        {
            FrameHeld(file, state, ChunkEnd.Final, out _, out bool roomForRest);
            if (!roomForRest)
            {
                state.RestAskedFor = 0;
                return FileTurn.Waits;
            }
        }
        if (state.Framing.HasParts && IsOutOfPatience(state))
        {
            BatchSink sink = SinkOf(state);
            bool room = _framer.EndParts(state.Framing, ref sink);
            MarkFramed(file, state, Count(state, 0));
            if (!room) return FileTurn.Waits;
        }
        if (state.Framing.MultiLine is { IsOpen: true } && !EndBlocks(file, state, drain > 0 ? long.MaxValue : SilentSince(state))) return FileTurn.Waits;
        Publish(file, state);
        if (state.Framing.Places?.Held is null) state.EndSeenFor = drain;
        return FileTurn.AtEnd;
    }

    private bool EndBlocks()
    {
        bool all = true;
        foreach (TailedFile file in _due)
            if (file.Frame is PipelineFile { Framing.MultiLine.IsOpen: true, Parked: LineStreams.None } state)
                all &= HasRoom(state.Tenant) && EndBlocks(file, state, long.MaxValue);
        return all;
    }

    private bool EndBlocks(TailedFile file, PipelineFile state, long silentSince)
    {
        BatchSink sink = SinkOf(state);
        bool room = _framer.EndBlocks(state.Framing, silentSince, ref sink);
        MarkFramed(file, state, Count(state, 0));
        return room;
    }

    /// <summary>What got no line since then is complete.</summary>
    private long SilentSince(PipelineFile state) =>
        _time.GetTimestamp() - (long)(state.Framing.Stages!.MultiLine!.WaitMax.TotalSeconds * _time.TimestampFrequency);

    /// <summary>3.-5. Frame what the pipe holds into the tenant's batch; a batch that gets full on the way is sent and the next one begun, if the sender is idle.</summary>
    /// <remarks>Held are bytes that stay in the pipe: the beginning of a line, in front of which nothing was consumed. Without room the rest must wait for the sender.</remarks>
    private int FrameHeld(TailedFile file, PipelineFile state, ChunkEnd end, out int held, out bool room)
    {
        ReadOnlySpan<byte> chunk = default;
        bool some = _pipe.Reader.TryRead(out ReadResult pipe);
        // The pipe has segments of a chunk's size and is emptied before the next chunk: it is never more than one span.
        if (some) chunk = pipe.Buffer.FirstSpan;
        int consumed = 0;
        while (true)
        {
            BatchSink sink = SinkOf(state);
            FrameResult result = _framer.Frame(state.Framing, chunk[consumed..], file.ReadOffset, end, _readNanos, ref sink);
            file.ReadOffset += result.Consumed;
            consumed += result.Consumed;
            long lines = Count(state, result.Consumed);
            MarkFramed(file, state, lines);
            room = !result.SinkFull;
            if (room || !MakeRoom(state.Tenant)) break;
        }
        if (state.Framing.HasParts && consumed > 0) state.PartsSince = _time.GetTimestamp();
        if (consumed > 0) state.Framing.MultiLine?.Touch(_time.GetTimestamp());
        held = consumed == 0 && room ? chunk.Length : 0;
        // Not "examined" either: the pipe must show what it holds whenever it is asked.
        if (some) _pipe.Reader.AdvanceTo(held > 0 ? pipe.Buffer.Start : pipe.Buffer.End);
        return consumed;
    }

    private static BatchSink SinkOf(PipelineFile state) => new(state, state.Tenant.Builder);

    /// <summary>Books what Frame has done since the last call; returns the lines that are in the batch now.</summary>
    private long Count(PipelineFile state, long bytes)
    {
        FrameCounts counts = _framer.TakeCounts();
        PipelineTenant tenant = state.Tenant;
        int batched = 0;
        if (counts.Lines > 0)
        {
            _keptOut.Clear();
            batched = tenant.Builder.EndPart(state.OriginOf(counts.Lines), _keptOut);
            if (batched > 0 && tenant.OpenedSequence != tenant.OpenSequence) tenant.Opened(_time.GetTimestamp());
            tenant.Account.Framed(tenant.Contents, state.Book!, counts.Lines, batched, state.LastUnixNanos, tenant.Builder, _keptOut);
            if (_keptOut.Count > 0) _parts.Ledger?.Of(tenant.Tenant).KeptOut(_keptOut);
        }
        _parts.CountRead(bytes);
        _parts.Metrics.Framed(bytes, counts);
        return batched;
    }

    private static void MarkFramed(TailedFile file, PipelineFile state, long lines)
    {
        if (lines == 0) return;
        state.LastSequence = state.Tenant.OpenSequence;
        state.Tenant.Builder.Mark(file, state.PositionIn(file));
        PartsHandover.Settle(state);
    }

    /// <summary>7. Commit, for what no batch carries: bytes that were skipped, a position behind the last acknowledged line.</summary>
    private static void Publish(TailedFile file, PipelineFile state)
    {
        if (state.HasLinesInFlight) return;
        long offset = state.Framing.ResumeAt(file.ReadOffset, out FramePosition frame);
        FilePosition acked = file.Acked;
        if (acked.Offset != offset || acked.Frame != frame) file.Acknowledge(file.PositionAt(offset, frame));
    }

    /// <summary>Whether the tenant can take a line: its batch is not full, or can be sent now.</summary>
    private bool HasRoom(PipelineTenant tenant)
    {
        if (tenant.IsHeldUp && tenant.Builder.Lines == 0) return false;
        tenant.Builder.KeepFree = tenant.IsSending ? _parts.BuffersKeptFree : 0;
        tenant.Builder.KeepsFreeToGrow = tenant.IsHeldUp;
        if (!tenant.Builder.IsFull && !tenant.Builder.IsStarved) return true;
        return MakeRoom(tenant);
    }

    private bool MakeRoom(PipelineTenant tenant)
    {
        if (tenant.Builder.IsFull) return TrySeal(tenant);
        if (!tenant.Builder.IsStarved) return true;
        _parts.Metrics.WaitedForBuffer();
        // Open batches of other tenants of this lane hold memory, too: they go out early.
        foreach (PipelineTenant other in _tenants.Values)
            if (other.Builder.Lines > 0) TrySeal(other);
        // Whoever has nothing on its way is not what holds the memory: it gets on with small batches, whatever the others hold.
        if (tenant.Builder.TryTakeBuffer()) return true;
        if (tenant.IsSending) return false;
        tenant.Builder.TakeSmallBuffer();
        return true;
    }

    /// <summary>6. Send: compresses the open batch and starts its delivery. False: there is nothing, or the one before is still on its way.</summary>
    private bool TrySeal(PipelineTenant tenant)
    {
        if (tenant.Builder.Lines == 0 || tenant.IsSending) return false;
        SealedBatch batch = _sealer.Seal(tenant.Builder, tenant.OpenSequence);
        tenant.Started(batch);
        tenant.Sender.Start(batch, _abandon);
        return true;
    }

    /// <summary>4. Label: decides once what the file's lines belong to.</summary>
    private PipelineFile Open(TailedFile file)
    {
        SourceOptions source = _options.Sources[file.Source.Index];
        string tenantId = _parts.Labels.TenantOf(file.LogicalPath, file.Source.Index);
        if (!_tenants.TryGetValue(tenantId, out PipelineTenant? tenant))
        {
            _tenants.Add(tenantId, tenant = _parts.NewTenant(tenantId, _window));
            tenant.Sender = new TenantSender(tenant, _parts, _options.Endpoint.MaxBackoff, _log, _time, () => _wake.Set());
            _tenantList = [.. _tenants.Values];
        }
        var state = PipelineFile.Of(file, source, _stages[file.Source.Index], tenant, _parts.Labels, _options.Endpoint.Shards);
        file.Frame = state;
        return state;
    }

    private TimeSpan Age(PipelineTenant tenant) => _time.GetElapsedTime(tenant.OpenedAt);

    private TimeSpan Pause(bool draining)
    {
        if (draining) return TimeSpan.FromMilliseconds(2);
        TimeSpan pause = IdlePause;
        foreach (PipelineTenant tenant in _tenants.Values)
        {
            if (tenant.Builder.Lines == 0 || tenant.IsSending) continue;
            TimeSpan left = _options.Endpoint.BatchWait - Age(tenant);
            if (left < pause) pause = left;
        }
        return pause > TimeSpan.FromMilliseconds(1) ? pause : TimeSpan.FromMilliseconds(1);
    }
}
