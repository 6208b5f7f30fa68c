// Guessing must not eat the machine: few checks run, few wait, the rest is told to come again.
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Testing;

namespace LokiGateway.Gateway.Tests.Authenticate;

public sealed class SlowChecksTests
{
    [Fact]
    public async Task FewRun_FewWait_TheRestIsRefused()
    {
        using var checks = new SlowChecks(waitingMax: 8);
        using var go = new ManualResetEventSlim();
        int running = 0, most = 0;
        int Check()
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            go.Wait();
            return Interlocked.Decrement(ref running);
        }

        Task<int>?[] started = [.. Enumerable.Range(0, 20).Select(_ => checks.TryRun(Check))];
        Assert.Equal(8, started.Count(static task => task is not null));
        await Eventually.True(() => Volatile.Read(ref running) > 0, "a check runs");
        go.Set();
        await Task.WhenAll(started.OfType<Task<int>>());
        Assert.InRange(most, 1, Math.Max(1, Environment.ProcessorCount / 2));
        Assert.NotNull(checks.TryRun(static () => 1));
    }
}
