// Keeps every log line with all its values, at every level: to look for what must be there, and for secrets that must not.
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway.Tests.Authenticate;

internal sealed class KeptLog : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyList<string> Lines => [.. _lines];

    public string Text => string.Join('\n', _lines);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var values = state as IReadOnlyList<KeyValuePair<string, object?>> ?? [];
        _lines.Enqueue($"{logLevel} {formatter(state, exception)} {string.Join(' ', values.Select(static pair => $"{pair.Key}={pair.Value}"))} {exception}");
    }
}
