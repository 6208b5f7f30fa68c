// A shipper without its back half: real files, the real scanner, tail and checkpoint, and a lane that splits lines and acknowledges them
// at once or later. Driven step by step by the test, in one thread.
using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Tail;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LokiGateway.Shipper.Tests.Tail;

internal sealed class TailRig : IDisposable
{
    private readonly TempDirectory _directory = new("tail");
    private readonly List<LogSource> _sources = [];
    private readonly ILogger _log;
    private readonly List<TailedFile> _due = [];
    private readonly List<(TailedFile File, FilePosition Position)> _inFlight = [];
    private LaneFiles _lane = null!;
    private FileTail _tail = null!;
    private Pipe _pipe = null!;

    public TailRig(ILogger? log = null, params string[] patterns)
    {
        _log = log ?? NullLogger.Instance;
        AddSource(patterns.Length > 0 ? patterns : ["logs/*.log"]);
    }

    public SteppedTime Time { get; } = new();

    /// <summary>What was shipped, in order: the logical path, relative, and the line.</summary>
    public List<(string Path, string Line)> Shipped { get; } = [];

    public FileScanner Scanner { get; private set; } = null!;

    public Checkpoint Checkpoint { get; private set; } = null!;

    public Committer Committer { get; private set; } = null!;

    /// <summary>What was reported as lost.</summary>
    public List<FileLoss> Lost { get; } = [];

    /// <summary>The lane reads no further when it has shipped this many lines.</summary>
    public int LinesMax { get; set; } = int.MaxValue;

    public long DeletedBytesMax { get; set; }

    public int BytesPerRead { get; set; } = 64 * 1024;

    /// <summary>False: lines stay in flight until <see cref="AcknowledgeAll"/>.</summary>
    public bool AcknowledgeAtOnce { get; set; } = true;

    public string PathOf(string name) => _directory.File(name);

    public IEnumerable<string> Lines(string path) => Shipped.Where(s => s.Path == path).Select(s => s.Line);

    public void AddSource(string[] paths, string[]? exclude = null, bool skipBinary = false)
    {
        string[] included = [.. paths.Select(Absolute)];
        string[] excluded = [.. (exclude ?? []).Select(Absolute)];
        Assert.True(LogSource.TryCreate(_sources.Count, included, excluded, skipBinary, out LogSource? source, out string? error), error);
        _sources.Add(source!);
    }

    public void ReplaceSource(string[] paths, string[]? exclude = null, bool skipBinary = false)
    {
        _sources.Clear();
        AddSource(paths, exclude, skipBinary);
    }

    public TailRig Start()
    {
        Checkpoint = OpenCheckpoint();
        Scanner = new FileScanner(_sources, 1, (_, _) => 0, Checkpoint.Loaded, Time, _log, Lose, DeletedBytesMax);
        Committer = new Committer(Scanner, Checkpoint, Time);
        _lane = new LaneFiles(Time);
        _tail = new FileTail(Time, _log, Scanner.SearchCopy, Lose);
        _pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0, minimumSegmentSize: 64 * 1024));
        return this;
    }

    /// <summary>
    /// Another test may just be starting a program: between fork and exec its child holds every lock that this process has let go.
    /// </summary>
    private Checkpoint OpenCheckpoint()
    {
        string state = _directory.File("state", "x")[..^2];
        Checkpoint? opened = null;
        Eventually.True(
            () =>
            {
                try
                {
                    opened = Checkpoint.Open(state, Time, _log);
                    return true;
                }
                catch (StateDirectoryException busy) when (busy.Message.Contains("in use"))
                {
                    return false;
                }
            },
            "the state directory").GetAwaiter().GetResult();
        return opened!;
    }

    private void Lose(in FileLoss loss) => Lost.Add(loss);

    /// <summary>The process dies: nothing is saved that was not saved before.</summary>
    public void Kill()
    {
        _inFlight.Clear();
        _tail.Dispose();
        Scanner.Dispose();
        Checkpoint.Dispose();
    }

    /// <summary>Puts a word between the log lines.</summary>
    public void Note(string text) => _log.Log(LogLevel.Trace, default, text, null, static (t, _) => t);

    public void KillAndStart()
    {
        Kill();
        Start();
    }

    public void Append(string name, string text) => File.AppendAllText(PathOf(name), text);

    public void Scan() => Scanner.ScanOnce();

    /// <summary>One pass of the lane over the files that are due.</summary>
    public void Pass()
    {
        while (Scanner.Inbox(0).TryDequeue(out TailedFile? file)) _lane.Add(file);
        _due.Clear();
        _lane.TakeDue(_due);
        foreach (TailedFile file in _due)
        {
            bool hadData = false;
            bool isHeld = file.IsHeldBack && !file.IsGivenUp;
            if (!isHeld) hadData = ReadToEnd(file);
            if (!file.Drained) _lane.Return(file, isHeld || hadData);
        }
    }

    /// <summary>Scans and passes until everything that is there is shipped.</summary>
    public void Settle()
    {
        for (int i = 0; i < 4; i++)
        {
            Scan();
            Pass();
            Time.Advance(TimeSpan.FromSeconds(1));
            Pass();
        }
    }

    public void AcknowledgeAll()
    {
        foreach ((TailedFile file, FilePosition position) in _inFlight) file.Acknowledge(position);
        _inFlight.Clear();
    }

    public void Dispose()
    {
        if (Scanner is not null) Kill();
        _directory.Dispose();
    }

    private string Absolute(string pattern) => pattern.StartsWith('/') ? pattern : Path.Combine(_directory.Path, pattern);

    private bool ReadToEnd(TailedFile file)
    {
        bool hadData = false;
        while (true)
        {
            if (Shipped.Count >= LinesMax && !file.IsGivenUp)
            {
                DropHeld();
                return true;
            }
            long held = HeldBytes();
            TailRead read = _tail.Read(file, file.ReadOffset + held, _pipe.Writer, BytesPerRead);
            switch (read.Kind)
            {
                case TailReadKind.Data:
                    hadData = true;
                    Split(file, atEnd: false);
                    continue;
                case TailReadKind.Truncated:
                    DropHeld();
                    if (file.IsHeldBack) return true;
                    continue;
                case TailReadKind.Waits when read.Bytes > 0:
                    continue;
                case TailReadKind.GivenUp:
                    DropHeld();
                    file.Drained = true;
                    return hadData;
                case TailReadKind.EndOfGeneration:
                    Split(file, atEnd: true);
                    file.Drained = true;
                    return hadData;
                default:
                    DropHeld();
                    return hadData;
            }
        }
    }

    private void Split(TailedFile file, bool atEnd)
    {
        if (!_pipe.Reader.TryRead(out ReadResult result)) return;
        ReadOnlySequence<byte> rest = result.Buffer;
        while (rest.PositionOf((byte)'\n') is { } newline)
        {
            Ship(file, rest.Slice(0, newline), 1);
            rest = rest.Slice(rest.GetPosition(1, newline));
        }
        if (atEnd && !rest.IsEmpty)
        {
            Ship(file, rest, 0);
            rest = default;
        }
        // Nothing is marked as examined, or the pipe would not tell how much it holds.
        _pipe.Reader.AdvanceTo(atEnd ? result.Buffer.End : rest.Start);
    }

    private void Ship(TailedFile file, ReadOnlySequence<byte> line, int newlineBytes)
    {
        Shipped.Add((Path.GetRelativePath(_directory.Path, file.LogicalPath), Encoding.UTF8.GetString(line)));
        file.ReadOffset += line.Length + newlineBytes;
        FilePosition position = file.PositionAt(file.ReadOffset, new FramePosition { Flags = 1, StdoutAssigned = file.ReadOffset });
        if (AcknowledgeAtOnce) file.Acknowledge(position);
        else _inFlight.Add((file, position));
    }

    private long HeldBytes()
    {
        if (!_pipe.Reader.TryRead(out ReadResult result)) return 0;
        long held = result.Buffer.Length;
        _pipe.Reader.AdvanceTo(result.Buffer.Start, result.Buffer.Start);
        return held;
    }

    private void DropHeld()
    {
        if (_pipe.Reader.TryRead(out ReadResult result)) _pipe.Reader.AdvanceTo(result.Buffer.End);
    }
}
