// What Loki refuses for good is gone from everywhere once its file is rotated away. A sample of it is kept, so that somebody can still see what it was and
// why; bounded in every direction, because refusals come by the million when they come, and never in the way of shipping.
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading.Channels;
using LokiGateway.Shipper.Send;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace LokiGateway.Shipper.Account;

/// <summary>
/// Samples of refused entries as JSON lines in the state directory: docs/formats/dead-letter.md. Any thread may offer one; one task of its own writes. A
/// disk that is full or forbidden costs samples, which are counted, and nothing else.
/// </summary>
internal sealed class DeadLetterFile : RejectedEntries, IDisposable
{
    public const string FileName = "dead-letter.jsonl";

    /// <summary>A reason that hits every line of a node shows after a few hundred samples; the disk is not there for the rest.</summary>
    public const int SamplesPerSecond = 100;

    /// <summary>Saved up in quiet times.</summary>
    public const int SamplesAtOnce = 1000;

    /// <summary>Two megabytes at worst. Full only while the disk stands still.</summary>
    private const int QueueMax = SamplesAtOnce;

    private const int WriteBytesMax = 256 << 10;

    /// <summary>Stopping waits so long for what is queued.</summary>
    private static readonly TimeSpan LastWrite = TimeSpan.FromSeconds(2);

    private static readonly DeadLetterJson Json = new(new JsonSerializerOptions
    {
        // Lines are read by humans with jq and less, not by a browser.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    private readonly string _path;
    private readonly long _fileBytesMax;
    private readonly ShipperMetrics _metrics;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly Channel<RejectedEntry> _queue = Channel.CreateBounded<RejectedEntry>(new BoundedChannelOptions(QueueMax) { SingleReader = true });
    private readonly Task _writing;
    private readonly Lock _gate = new();
    private double _samplesLeft = SamplesAtOnce;
    private long _refilledAt;
    private SafeFileHandle? _file;
    private long _length;

    /// <param name="directory">The state directory.</param>
    /// <param name="bytesMax">Most bytes of the file and its predecessor together.</param>
    /// <param name="metrics">Counts what was written and what was not.</param>
    /// <param name="log">Says when the disk refuses.</param>
    /// <param name="time">For the rate of samples.</param>
    public DeadLetterFile(string directory, long bytesMax, ShipperMetrics metrics, ILogger log, TimeProvider time)
    {
        _path = Path.Combine(directory, FileName);
        _fileBytesMax = bytesMax / 2;
        (_metrics, _log, _time) = (metrics, log, time);
        _refilledAt = time.GetTimestamp();
        _writing = Task.Run(WriteAsync);
    }

    public override bool IsOn => true;

    public override bool MayKeep()
    {
        lock (_gate)
        {
            long now = _time.GetTimestamp();
            _samplesLeft = Math.Min(SamplesAtOnce, _samplesLeft + SamplesPerSecond * _time.GetElapsedTime(_refilledAt, now).TotalSeconds);
            _refilledAt = now;
            if (_samplesLeft >= 1)
            {
                _samplesLeft--;
                return true;
            }
        }
        _metrics.DeadLetters("skipped", 1);
        return false;
    }

    public override void Keep(in RejectedEntry entry)
    {
        if (!_queue.Writer.TryWrite(entry)) _metrics.DeadLetters("skipped", 1);
    }

    /// <summary>Writes what is queued, as far as the disk takes it in time.</summary>
    public void Dispose()
    {
        _queue.Writer.TryComplete();
        if (_writing.Wait(LastWrite)) Close();
    }

    private async Task WriteAsync()
    {
        using MemoryStream lines = new();
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            int entries = 0;
            lines.SetLength(0);
            while (lines.Length < WriteBytesMax && lines.Length < _fileBytesMax && _queue.Reader.TryRead(out RejectedEntry entry))
            {
                JsonSerializer.Serialize(lines, DeadLetterLine.Of(entry, _time.GetUtcNow()), Json.DeadLetterLine);
                lines.WriteByte((byte)'\n');
                entries++;
            }
            try
            {
                Write(lines);
                _metrics.DeadLetters("written", entries);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                _metrics.DeadLetters("failed", entries);
                Log.DeadLettersNotWritten(_log, _path, failure.Message);
                // Opened again for the next ones: the volume may be another one by then.
                Close();
            }
        }
    }

    private void Write(MemoryStream lines)
    {
        _file ??= Open();
        if (_length > 0 && _length + lines.Length > _fileBytesMax)
        {
            Close();
            File.Move(_path, _path + ".1", overwrite: true);
            _file = Open();
        }
        try
        {
            RandomAccess.Write(_file, lines.GetBuffer().AsSpan(0, (int)lines.Length), _length);
            _length += lines.Length;
        }
        catch (IOException)
        {
            // Half a line would spoil the next one.
            RandomAccess.SetLength(_file, _length);
            throw;
        }
    }

    private SafeFileHandle Open()
    {
        // rw-------: it holds content of logs.
        int errno = FileDescriptor.TryOpen(_path, FileDescriptor.ReadWrite | FileDescriptor.CreateIfAbsent, 0x180, out SafeFileHandle? file);
        if (file is null) throw new IOException(Errno.Text(errno), errno);
        _length = RandomAccess.GetLength(file);
        Span<byte> last = stackalloc byte[1];
        // A crash in the middle of a line: the next one begins on its own.
        if (_length > 0 && RandomAccess.Read(file, last, _length - 1) == 1 && last[0] != '\n') RandomAccess.Write(file, "\n"u8, _length++);
        return file;
    }

    private void Close()
    {
        _file?.Dispose();
        _file = null;
    }
}
