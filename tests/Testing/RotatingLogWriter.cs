// A container whose output the kubelet rotates: the model against which delivery is judged. It knows every line that it wrote, and it does what
// is hard for a tailer: long lines in P and F parts with the other stream in between, writes that end in the middle of a line, two lines in
// the same nanosecond, rotation by rename while the writer still holds the old file.
using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace LokiGateway.Testing;

/// <summary>One line as an application wrote it (parts already joined).</summary>
public sealed record WrittenLine(string Stream, DateTimeOffset Time, string Text);

/// <summary>
/// Writes numbered CRI lines to <c>root/namespace_pod_uid/container/0.log</c> and rotates as kubelet and containerd do. All members may be called
/// from any thread, one at a time. With the same seed and the same calls the same bytes are written (times apart).
/// </summary>
public sealed class RotatingLogWriter : IDisposable
{
    private readonly Random _random;
    private readonly Lock _gate = new();
    private readonly List<WrittenLine> _lines = [];
    private readonly List<string> _generations = [];
    private readonly int _generationsMax;
    private readonly bool _compresses;
    private readonly string _pod;
    private FileStream _file;
    private byte[] _torn = [];
    private DateTimeOffset _lastTime;
    private DateTimeOffset _lastRotation;
    private int _next;

    /// <summary>
    /// Makes the directory and an empty 0.log. Beyond <paramref name="generationsMax"/> rotated files the oldest is deleted, read or not;
    /// <paramref name="compress"/>: all but the youngest rotated file are gzip'd at the next rotation, as kubelet does it.
    /// </summary>
    public RotatingLogWriter(string root, string @namespace = "default", string pod = "web-0", string container = "app",
        int generationsMax = int.MaxValue, int seed = 1, bool compress = false)
    {
        _random = new Random(seed);
        _pod = pod;
        _generationsMax = generationsMax;
        _compresses = compress;
        Namespace = @namespace;
        Container = container;
        Folder = Directory.CreateDirectory(Path.Combine(root, $"{@namespace}_{pod}_{Guid(seed)}", container)).FullName;
        CurrentPath = Path.Combine(Folder, "0.log");
        _file = Open();
    }

    /// <summary>Namespace in the path.</summary>
    public string Namespace { get; }

    /// <summary>Container in the path.</summary>
    public string Container { get; }

    /// <summary>The container's log directory.</summary>
    public string Folder { get; }

    /// <summary>The file that is written now.</summary>
    public string CurrentPath { get; }

    /// <summary>Every line in the order of its last byte; the last one may still lack its end on disk until <see cref="Finish"/>.</summary>
    public IReadOnlyList<WrittenLine> Lines
    {
        get
        {
            lock (_gate) return [.. _lines];
        }
    }

    /// <summary>Number of <see cref="Lines"/>.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _lines.Count;
        }
    }

    /// <summary>How far the node's clock, by which file times are made, is from the right time. The times in the lines stay right.</summary>
    public TimeSpan ClockOffset { get; set; }

    /// <summary>Rotations so far.</summary>
    public int Rotations { get; private set; }

    /// <summary>
    /// Writes lines numbered on from the last. <paramref name="payloadBytesMax"/> bounds the random text of each;
    /// <paramref name="partialShare"/> of them are written in P and F parts, <paramref name="stderrShare"/> go to stderr, and
    /// <paramref name="tearShare"/> of the writes end in the middle of a line, whose rest comes with the next write.
    /// </summary>
    public void Write(int lines, int payloadBytesMax = 120, double partialShare = 0.05, double stderrShare = 0.2, double tearShare = 0.1)
    {
        lock (_gate)
        {
            var bytes = new MemoryStream();
            bytes.Write(_torn);
            _torn = [];
            for (var i = 0; i < lines; i++) Compose(bytes, payloadBytesMax, partialShare, stderrShare);
            var all = bytes.ToArray();
            // Only the last line of a write can be torn.
            var keep = _random.NextDouble() < tearShare && lines > 0 ? _random.Next(1, 20) : 0;
            _torn = all[^keep..];
            _file.Write(all.AsSpan(0, all.Length - keep));
            SetFileTime();
        }
    }

    /// <summary>Writes the rest of a torn line, so that all of <see cref="Lines"/> is on disk. Call it before comparing.</summary>
    public void Finish()
    {
        lock (_gate) WriteTorn();
    }

    /// <summary>Appends bytes as they are, outside of the model: what <see cref="Lines"/> knows does not change.</summary>
    public void WriteRaw(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            WriteTorn();
            _file.Write(bytes);
        }
    }

    /// <summary>
    /// Rename rotation: 0.log becomes 0.log.(time); <paramref name="lateLines"/> lines still go to the renamed file, as the runtime reopens its
    /// log only when kubelet tells it to; then a new 0.log.
    /// </summary>
    public void Rotate(int lateLines = 2)
    {
        lock (_gate)
        {
            // Kubelet's stamp has a resolution of one second and must not repeat.
            if (_compresses) CompressGenerations();
            var now = DateTimeOffset.UtcNow;
            _lastRotation = now > _lastRotation.AddSeconds(1) ? now : _lastRotation.AddSeconds(1);
            var rotated = $"{CurrentPath}.{_lastRotation.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}";
            File.Move(CurrentPath, rotated);
            _generations.Add(rotated);
            Write(lateLines, tearShare: 0);
            WriteTorn();
            SetFileTime();
            _file.Dispose();
            _file = Open();
            Rotations++;
            while (_generations.Count > _generationsMax)
            {
                File.Delete(_generations[0]);
                _generations.RemoveAt(0);
            }
        }
    }

    /// <summary>Deletes the directory as kubelet does when the pod is gone; the model keeps the lines.</summary>
    public void DeleteAll()
    {
        lock (_gate)
        {
            WriteTorn();
            _file.Dispose();
            Directory.Delete(Path.GetDirectoryName(Folder)!, recursive: true);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>Kubelet's order of calls: a .tmp beside it, renamed to .gz when it is whole, then the plain file is removed.</summary>
    private void CompressGenerations()
    {
        for (var i = 0; i < _generations.Count; i++)
        {
            var plain = _generations[i];
            if (plain.EndsWith(".gz", StringComparison.Ordinal)) continue;
            using (var target = new GZipStream(File.Create(plain + ".tmp"), CompressionLevel.Fastest))
            using (var source = File.OpenRead(plain)) source.CopyTo(target);
            File.Move(plain + ".tmp", plain + ".gz");
            File.Delete(plain);
            _generations[i] = plain + ".gz";
        }
    }

    private FileStream Open() => new(CurrentPath, new FileStreamOptions
    {
        Mode = FileMode.Append,
        Access = FileAccess.Write,
        Share = FileShare.ReadWrite | FileShare.Delete,
        BufferSize = 0,
    });

    private void SetFileTime()
    {
        if (ClockOffset != TimeSpan.Zero) File.SetLastWriteTimeUtc(_file.SafeFileHandle, DateTime.UtcNow + ClockOffset);
    }

    private void WriteTorn()
    {
        _file.Write(_torn);
        _torn = [];
    }

    private void Compose(MemoryStream bytes, int payloadBytesMax, double partialShare, double stderrShare)
    {
        var number = ++_next;
        var stream = _random.NextDouble() < stderrShare ? "stderr" : "stdout";
        var text = $"line={number:D7} pod={_pod} container={Container} {Payload(payloadBytesMax)}";
        if (_random.NextDouble() >= partialShare)
        {
            var time = NextTime();
            Append(bytes, time, stream, 'F', text);
            _lines.Add(new WrittenLine(stream, time, text));
            return;
        }

        var parts = _random.Next(2, 5);
        DateTimeOffset? first = null;
        for (var part = 0; part < parts; part++)
        {
            var from = text.Length * part / parts;
            var to = text.Length * (part + 1) / parts;
            var time = NextTime();
            first ??= time;
            Append(bytes, time, stream, part == parts - 1 ? 'F' : 'P', text[from..to]);
            if (part < parts - 1 && _random.Next(3) == 0)
            {
                // The other stream writes between the parts: they belong together per stream, not per file.
                var other = stream == "stdout" ? "stderr" : "stdout";
                var between = $"line={++_next:D7} pod={_pod} container={Container} between the parts";
                var betweenTime = NextTime();
                Append(bytes, betweenTime, other, 'F', between);
                _lines.Add(new WrittenLine(other, betweenTime, between));
            }
        }
        _lines.Add(new WrittenLine(stream, first!.Value, text));
    }

    /// <summary>Never goes back; one time in ten it repeats.</summary>
    private DateTimeOffset NextTime()
    {
        if (_random.Next(10) == 0 && _lastTime != default) return _lastTime;
        var now = DateTimeOffset.UtcNow;
        return _lastTime = now > _lastTime ? now : _lastTime.AddTicks(1);
    }

    private string Payload(int bytesMax)
    {
        const string Letters = "abcdefghijklmnopqrstuvwxyz 0123456789=\"{}[]:,./\u00e9\ud55c";
        var text = new StringBuilder();
        for (var left = _random.Next(bytesMax + 1); left > 0; left--) text.Append(Letters[_random.Next(Letters.Length)]);
        return text.ToString();
    }

    private static void Append(MemoryStream bytes, DateTimeOffset time, string stream, char tag, string text) =>
        bytes.Write(Encoding.UTF8.GetBytes(
            $"{time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffff", CultureInfo.InvariantCulture)}00Z {stream} {tag} {text}\n"));

    private static string Guid(int seed) => $"{(uint)seed:x8}-0000-4000-8000-000000000000";
}
