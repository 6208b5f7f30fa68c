// Turns one log call into one line. Structured values become fields of their own, so that `| logfmt | retries > 3` works without parsing
// the message.
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Hosting.Logging;

internal sealed class LineLogger(string component, LogLevel level, LogFormat format, TimeProvider time, LogQueue queue,
    RepeatGuard? guard) : ILogger
{
    // Longer values are cut: a log line is for humans, and a hostile name must not fill a disk.
    private const int ValueCharactersMax = 4096;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= level && logLevel != LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        var pairs = state as IReadOnlyList<KeyValuePair<string, object?>>;
        long suppressed = 0;
        if (guard is not null)
        {
            var key = new RepeatKey(component, logLevel, eventId.Id, TemplateOf(pairs) ?? formatter(state, exception));
            if (!guard.Allows(key, out suppressed)) return;
        }

        var fields = new List<KeyValuePair<string, object?>>(pairs?.Count ?? 1);
        foreach (KeyValuePair<string, object?> pair in pairs ?? [])
        {
            if (pair.Key != OriginalFormat) fields.Add(new(SnakeCase(pair.Key), pair.Value));
        }

        if (suppressed > 0) fields.Add(new("suppressed", suppressed));
        queue.Add(Render(format, logLevel, time.GetUtcNow(), component, formatter(state, exception), fields, exception));
    }

    internal static string Render(
        LogFormat format, LogLevel level, DateTimeOffset at, string component, string message,
        IReadOnlyList<KeyValuePair<string, object?>> fields, Exception? exception) =>
        format == LogFormat.Json
            ? RenderJson(level, at, component, message, fields, exception)
            : RenderLogfmt(level, at, component, message, fields, exception);

    private static string RenderLogfmt(
        LogLevel level, DateTimeOffset at, string component, string message, IReadOnlyList<KeyValuePair<string, object?>> fields,
        Exception? exception)
    {
        var line = new StringBuilder(256);
        line.Append("level=").Append(NameOf(level)).Append(" ts=").Append(Timestamp(at)).Append(" component=");
        Logfmt.AppendValue(line, component);
        line.Append(" msg=");
        Logfmt.AppendValue(line, Cut(message));
        foreach ((string key, object? value) in fields)
        {
            line.Append(' ');
            Logfmt.AppendKey(line, key);
            line.Append('=');
            Logfmt.AppendValue(line, Cut(TextOf(value)));
        }

        if (exception is not null)
        {
            line.Append(" err=");
            Logfmt.AppendValue(line, Cut($"{exception.GetType().Name}: {exception.Message}"));
            line.Append(" stack=");
            Logfmt.AppendValue(line, Cut(OneLine(exception)));
        }

        return line.Append('\n').ToString();
    }

    private static string RenderJson(
        LogLevel level, DateTimeOffset at, string component, string message, IReadOnlyList<KeyValuePair<string, object?>> fields,
        Exception? exception)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer,
            new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("level", NameOf(level));
            json.WriteString("ts", Timestamp(at));
            json.WriteString("component", component);
            json.WriteString("msg", Cut(message));
            foreach ((string key, object? value) in fields)
            {
                switch (value)
                {
                    case null: json.WriteNull(key); break;
                    case bool b: json.WriteBoolean(key, b); break;
                    case int i: json.WriteNumber(key, i); break;
                    case long l: json.WriteNumber(key, l); break;
                    case double d when double.IsFinite(d): json.WriteNumber(key, d); break;
                    default: json.WriteString(key, Cut(TextOf(value))); break;
                }
            }

            if (exception is not null)
            {
                json.WriteString("err", Cut($"{exception.GetType().Name}: {exception.Message}"));
                json.WriteString("stack", Cut(OneLine(exception)));
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private const string OriginalFormat = "{OriginalFormat}";

    private static string? TemplateOf(IReadOnlyList<KeyValuePair<string, object?>>? pairs) =>
        pairs is { Count: > 0 } && pairs[^1].Key == OriginalFormat ? pairs[^1].Value as string : null;

    // Go's RFC3339Nano as go-kit writes it in Loki, in UTC; .NET's clock has seven digits, Loki's lines nine.
    private static string Timestamp(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'", CultureInfo.InvariantCulture);

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        _ => "error",
    };

    private static string TextOf(object? value) => value switch
    {
        null => "",
        string text => text,
        TimeSpan duration => Configuration.Durations.Format(duration),
        DateTimeOffset at => Timestamp(at),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static string Cut(string text) =>
        text.Length <= ValueCharactersMax ? text : string.Concat(text.AsSpan(0, ValueCharactersMax), "...");

    private static string OneLine(Exception exception) =>
        string.Join(" | ", exception.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private static string SnakeCase(string name)
    {
        var snake = new StringBuilder(name.Length + 4);
        for (int i = 0; i < name.Length; i++)
        {
            bool startsWord = char.IsAsciiLetterUpper(name[i]) && i > 0
                && (!char.IsAsciiLetterUpper(name[i - 1]) || (i + 1 < name.Length && char.IsAsciiLetterLower(name[i + 1])));
            if (startsWord && snake[^1] != '_') snake.Append('_');
            snake.Append(char.ToLowerInvariant(name[i]));
        }

        return snake.ToString();
    }
}
