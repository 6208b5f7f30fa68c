// Checking a secret takes a fifth of a second of a core, on purpose. So few are checked side by side that pushes keep the rest of the machine, and so few wait that an
// answer comes before an agent gives up.
namespace LokiGateway.Gateway.Authenticate;

/// <summary>Thread-safe.</summary>
internal sealed class SlowChecks : IDisposable
{
    private readonly SemaphoreSlim _free = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly int _waitingMax;
    private int _asked;

    /// <param name="waitingMax">64 wait some ten seconds for one core, the patience of an agent.</param>
    public SlowChecks(int waitingMax = 64) => _waitingMax = waitingMax;

    /// <summary>Runs the check on a thread of the pool when it is its turn; null, without running it, when too many wait already.</summary>
    public Task<T>? TryRun<T>(Func<T> check)
    {
        if (Interlocked.Increment(ref _asked) <= _waitingMax) return RunAsync(check);
        Interlocked.Decrement(ref _asked);
        return null;
    }

    public void Dispose() => _free.Dispose();

    private async Task<T> RunAsync<T>(Func<T> check)
    {
        try
        {
            await _free.WaitAsync().ConfigureAwait(false);
            try
            {
                return await Task.Run(check).ConfigureAwait(false);
            }
            finally
            {
                _free.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _asked);
        }
    }
}
