using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Hosting.Logging;

/// <summary>Hands out the loggers of a program and owns what they share. Not Microsoft's LoggerFactory: that one brings a container and
/// options that nothing here needs.</summary>
internal sealed class LogLineFactory : ILoggerFactory
{
    private readonly ConcurrentDictionary<string, LineLogger> _loggers = new(StringComparer.Ordinal);
    private readonly LogFormat _format;
    private readonly LogLevel _level;
    private readonly TimeProvider _time;
    private readonly LogQueue _queue;
    private readonly RepeatGuard _guard;

    public LogLineFactory(LogFormat format, LogLevel level, TimeProvider time, TextWriter output)
    {
        _format = format;
        _level = level;
        _time = time;
        _queue = new LogQueue(output, dropped => LineLogger.Render(
            _format, LogLevel.Warning, _time.GetUtcNow(), "logging", "log lines dropped because stderr was not read",
                [new("dropped", dropped)], null));
        _guard = new RepeatGuard(time, (key, suppressed) => _queue.Add(LineLogger.Render(
            _format, key.Level, _time.GetUtcNow(), key.Component, key.Message, [new("suppressed", suppressed)], null)));
    }

    public ILogger CreateLogger(string categoryName) =>
        _loggers.GetOrAdd(categoryName, static (category, self) => self.NewLogger(category), this);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("log lines go to one output only");

    public void Dispose()
    {
        _guard.Dispose();
        _queue.Dispose();
    }

    private LineLogger NewLogger(string category) => new(Shorten(category), LevelOf(category), _format, _time, _queue, category == LogOutput.EveryLine ? null : _guard);

    // Kestrel and its kin speak of every connection at Information.
    private LogLevel LevelOf(string category) =>
        category.StartsWith("Microsoft.", StringComparison.Ordinal) || category.StartsWith("System.", StringComparison.Ordinal)
            || category.StartsWith("Yarp.", StringComparison.Ordinal)
            ? (LogLevel)Math.Max((int)_level, (int)LogLevel.Warning)
            : _level;

    private static string Shorten(string category) =>
        category.StartsWith("LokiGateway.", StringComparison.Ordinal) ? category["LokiGateway.".Length..] : category;
}
