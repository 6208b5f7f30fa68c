// Warnings and errors of the three servers, but for the one that is no news here: a trial's door is open by design, and on loopback only.

using Microsoft.Extensions.Logging;

namespace LokiGateway.Quickstart;

internal sealed class TrialLogs(ILoggerFactory inner) : ILoggerFactory
{
    // The gateway's warning about auth.mode trust.
    private const string ExpectedWarning = "TrustsEverybody";

    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    public ILogger CreateLogger(string categoryName) => new Filtered(inner.CreateLogger(categoryName));

    public void Dispose() => inner.Dispose();

    private sealed class Filtered(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Name != ExpectedWarning) inner.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
