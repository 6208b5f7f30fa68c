// The containers of a node: each writes when it likes, and each one's log is rotated every few seconds. A node with thousands of them writes as
// much as one with twenty: what differs is how the lines are spread.
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.Programs;

/// <summary>Many <see cref="RotatingLogWriter"/>s on a thread of their own.</summary>
internal sealed class WriterCrowd : IDisposable
{
    private const int WritesPerSecond = 60;

    /// <summary>A log of twenty is rotated every five seconds on average.</summary>
    private const int RotationsPerSecond = 4;

    /// <summary>So many that none is deleted unread in the worst minute of a run: deleted ones are another test's.</summary>
    private const int Generations = 40;

    private readonly CancellationTokenSource _stop = new();
    private readonly Random _random;
    private Task _writing = Task.CompletedTask;

    public WriterCrowd(string root, int count, int seed, bool compress = true)
    {
        _random = new Random(seed);
        All = [.. Enumerable.Range(0, count).Select(i => new RotatingLogWriter(root, $"team-{i % 7}", $"web-{i}", generationsMax: Generations,
            seed: seed + i, compress: compress))];
        foreach (var writer in All) writer.Write(2);
    }

    /// <summary>All writers.</summary>
    public IReadOnlyList<RotatingLogWriter> All { get; }

    /// <summary>Begins to write and to rotate.</summary>
    public void Start() => _writing = Task.Run(WriteAsync);

    /// <summary>Ends it; every line is whole on disk then.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _writing;
        foreach (var writer in All) writer.Finish();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        foreach (var writer in All) writer.Dispose();
        _stop.Dispose();
    }

    private async Task WriteAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / WritesPerSecond));
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                var writer = All[_random.Next(All.Count)];
                writer.Write(_random.Next(1, 40), partialShare: 0.1, tearShare: 0.3);
                if (_random.Next(WritesPerSecond) < RotationsPerSecond) writer.Rotate(lateLines: _random.Next(4));
            }
        }
        catch (OperationCanceledException)
        {
            // StopAsync.
        }
    }
}
