// Keeps what the shipper says, for tests that check its words and for the story of a failed random history.
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Tests.Tail;

internal sealed class RecordedLog : ILogger
{
    public ConcurrentQueue<(LogLevel Level, string Text)> Lines { get; } = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        string text = formatter(state, exception);
        // As a log line has them: the values are fields of their own.
        foreach ((string name, object? value) in state as IReadOnlyList<KeyValuePair<string, object?>> ?? [])
            if (name != "{OriginalFormat}") text += $" {name}={value}";
        Lines.Enqueue((logLevel, text));
    }
}
