using System.Text;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Hosting.Logging;

/// <summary>
/// Where log lines go: one line a message on stderr, as Loki's own programs write them, so that the same dashboards and alerts read both.
/// Repeats are held back, and a stderr that nobody reads never stops the program.
/// </summary>
public static class LogOutput
{
    /// <summary>The category whose lines are never held back as repeats: a log of requests has one line for each of them.</summary>
    public const string EveryLine = "access";

    /// <summary>A factory whose disposal writes out what is waiting. <paramref name="output"/> is stderr when null, and is never
    /// disposed.</summary>
    public static ILoggerFactory Create(LogFormat format, LogLevel level, TimeProvider time, TextWriter? output = null) =>
        new LogLineFactory(format, level, time, output ?? StandardError());

    private static StreamWriter StandardError() =>
        new(Console.OpenStandardError(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 16 * 1024);
}
