namespace LokiGateway.Hosting.Logging;

/// <summary>
/// Between the program and stderr: a bounded queue with one writing thread. A container runtime that stops reading stderr would otherwise
/// stop the threads that log,
/// which are the ones that ship. When the queue is full, lines are dropped and counted, and the count is written as soon as there is room.
/// </summary>
internal sealed class LogQueue : IDisposable
{
    // 4096 lines of some 250 bytes: 1 MiB, and more than the repeat guard lets through in any short time.
    public const int LinesMax = 4096;

    // A program that ends must not hang on a stuck stderr.
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(2);

    private readonly Queue<string> _lines = new();
    private readonly TextWriter _output;
    private readonly Func<long, string> _renderDropped;
    private readonly Thread _writer;
    private long _dropped;
    private bool _closed;

    public LogQueue(TextWriter output, Func<long, string> renderDropped)
    {
        _output = output;
        _renderDropped = renderDropped;
        _writer = new Thread(WriteLines) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    /// <summary>Never blocks for longer than it takes another thread to add a line.</summary>
    public void Add(string line)
    {
        lock (_lines)
        {
            if (_closed) return;
            if (_lines.Count >= LinesMax)
            {
                _dropped++;
                return;
            }

            _lines.Enqueue(line);
            if (_lines.Count == 1) Monitor.Pulse(_lines);
        }
    }

    public void Dispose()
    {
        lock (_lines)
        {
            _closed = true;
            Monitor.Pulse(_lines);
        }

        _writer.Join(FlushTimeout);
    }

    private void WriteLines()
    {
        var batch = new List<string>();
        while (true)
        {
            bool ended;
            lock (_lines)
            {
                while (_lines.Count == 0 && !_closed) Monitor.Wait(_lines);
                while (_lines.TryDequeue(out string? line)) batch.Add(line);
                if (_dropped > 0) batch.Add(_renderDropped(_dropped));
                _dropped = 0;
                ended = _closed;
            }

            try
            {
                foreach (string line in batch) _output.Write(line);
                _output.Flush();
            }
            catch (Exception failure) when (failure is IOException or ObjectDisposedException)
            {
                // stderr is gone: there is nobody to tell, and no reason to stop shipping logs.
                lock (_lines) _dropped += batch.Count;
            }

            batch.Clear();
            if (ended) return;
        }
    }
}
