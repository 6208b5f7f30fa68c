using System.Runtime.InteropServices;

namespace LokiGateway.Hosting.Lifetime;

/// <summary>SIGTERM and SIGINT: the first asks for a drain, the second, from somebody who will not wait, ends at once.</summary>
internal sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly Action<string> _first;
    private readonly Action _second;
    private readonly PosixSignalRegistration _terminate;
    private readonly PosixSignalRegistration _interrupt;
    private int _signals;

    public StopSignal(Action<string> first, Action second)
    {
        _first = first;
        _second = second;
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Receive(context, "SIGTERM"));
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Receive(context, "SIGINT"));
    }

    public CancellationToken Stopping => _stopping.Token;

    public void Dispose()
    {
        _terminate.Dispose();
        _interrupt.Dispose();
        _stopping.Dispose();
    }

    private void Receive(PosixSignalContext context, string name)
    {
        // Without this the runtime would end the process while it drains.
        context.Cancel = true;
        if (Interlocked.Increment(ref _signals) > 1)
        {
            _second();
            return;
        }

        _first(name);
        _stopping.Cancel();
    }
}
