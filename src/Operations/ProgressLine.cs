namespace LokiGateway.Operations;

/// <summary>One line of stderr that is written over and over while a person waits; nothing where nobody looks. Any thread.</summary>
internal sealed class ProgressLine(OperationsHost host) : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private long _shownAt;
    private bool _isShown;

    public void Show(string text)
    {
        if (!host.IsInteractive) return;
        lock (_gate)
        {
            if (_isShown && host.Time.GetElapsedTime(_shownAt) < Period) return;
            (_shownAt, _isShown) = (host.Time.GetTimestamp(), true);
            host.Errors.Write($"\r{text}\x1b[K");
            host.Errors.Flush();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (!_isShown) return;
            host.Errors.Write("\r\x1b[K");
            host.Errors.Flush();
        }
    }
}
