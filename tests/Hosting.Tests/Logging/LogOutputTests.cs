// Log lines as Loki writes and reads them: one message is one line whatever is in it, and what repeats is counted and not repeated.
using System.Text.Json;
using LokiGateway.Hosting.Logging;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Hosting.Tests.Logging;

public sealed class LogOutputTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 22, 22, 15, 1, TimeSpan.Zero).AddTicks(1_234_567));

    [Fact]
    public void Logfmt_IsAsLokiWritesIt()
    {
        string text = Lines(LogFormat.Logfmt, log => log.LogInformation("pushed {LineCount} lines to {Url}", 5, "http://h/a b"));

        Assert.Equal(
            "level=info ts=2026-11-22T22:15:01.123456700Z component=Gateway.Forward msg=\"pushed 5 lines to http://h/a b\" line_count=5 url=\"http://h/a b\"\n",
            text);
    }

    [Fact]
    public void ControlCharactersAndQuotes_StayOnOneLine()
    {
        string text = Lines(LogFormat.Logfmt, log => log.LogWarning("x {Value}", "a\"b\\c\nd\r\t\u0001\u001b[31m\u2028e"));

        Assert.Equal(1, text.Count(static c => c == '\n'));
        Assert.Contains("value=\"a\\\"b\\\\c\\nd\\r\\t\\u0001\\u001b[31m\\u2028e\"", text);
        Assert.DoesNotContain('\u001b', text);
    }

    [Fact]
    public void Exception_IsOnOneLineWithItsStack()
    {
        string text = Lines(LogFormat.Logfmt, static log =>
        {
            try
            {
                throw new InvalidOperationException("first\nsecond");
            }
            catch (InvalidOperationException failure)
            {
                log.LogError(failure, "failed");
            }
        });

        Assert.Equal(1, text.Count(static c => c == '\n'));
        Assert.StartsWith("level=error ", text);
        Assert.Contains("err=\"InvalidOperationException: first\\nsecond\"", text);
        Assert.Contains(nameof(Exception_IsOnOneLineWithItsStack), text);
    }

    [Fact]
    public void Json_HasTypedFieldsAndIsOneDocumentALine()
    {
        string text = Lines(LogFormat.Json, log => log.LogWarning("{Count} {Ratio} {Yes} {Text} {None}", 5, 0.5, true, "a\n\"b\"", null));

        JsonElement line = JsonDocument.Parse(text).RootElement;
        Assert.Equal("warn", line.GetProperty("level").GetString());
        Assert.Equal("2026-11-22T22:15:01.123456700Z", line.GetProperty("ts").GetString());
        Assert.Equal((5, 0.5, true),
            (line.GetProperty("count").GetInt32(), line.GetProperty("ratio").GetDouble(), line.GetProperty("yes").GetBoolean()));
        Assert.Equal("a\n\"b\"", line.GetProperty("text").GetString());
        Assert.Equal(JsonValueKind.Null, line.GetProperty("none").ValueKind);
        Assert.Equal(1, text.Count(static c => c == '\n'));
    }

    [Fact]
    public void Levels_BelowTheChosenOneAreSilent_AndFrameworksStartAtWarning()
    {
        var output = new StringWriter();
        using (ILoggerFactory logs = LogOutput.Create(LogFormat.Logfmt, LogLevel.Information, _time, output))
        {
            logs.CreateLogger("LokiGateway.A").LogDebug("debug of ours");
            logs.CreateLogger("LokiGateway.A").LogInformation("info of ours");
            logs.CreateLogger("Microsoft.AspNetCore.X").LogInformation("info of theirs");
            logs.CreateLogger("Microsoft.AspNetCore.X").LogWarning("warning of theirs");
        }

        Assert.DoesNotContain("debug of ours", output.ToString());
        Assert.Contains("info of ours", output.ToString());
        Assert.DoesNotContain("info of theirs", output.ToString());
        Assert.Contains("warning of theirs", output.ToString());
    }

    [Fact]
    public async Task Repeats_AreHeldBackAndCountedWhenTheIntervalEnds()
    {
        var output = new LockedWriter();
        using ILoggerFactory logs = LogOutput.Create(LogFormat.Logfmt, LogLevel.Information, _time, output);
        ILogger log = logs.CreateLogger("LokiGateway.Shipper.Send");
        for (int i = 0; i < 25; i++) log.LogWarning("upstream refused attempt {Attempt}", i);
        log.LogWarning("another message");

        _time.Advance(RepeatGuard.Interval);

        await Eventually.True(() => output.Text.Contains("suppressed=15", StringComparison.Ordinal), "the count of held back lines",
            () => output.Text);
        Assert.Equal(RepeatGuard.PassPerInterval, Count(output.Text, "attempt="));
        Assert.Equal(1, Count(output.Text, "another message"));
    }

    [Fact]
    public void Repeats_StillOpenAtTheEnd_AreToldBeforeTheProgramEnds()
    {
        string text = Lines(LogFormat.Logfmt, static log =>
        {
            for (int i = 0; i < 12; i++) log.LogWarning("again {I}", i);
        });

        Assert.Contains("suppressed=2", text);
    }

    [Fact]
    public async Task StuckStderr_NeverBlocksTheLoggingThread_AndTheLossIsCounted()
    {
        using var stuck = new StuckWriter();
        using ILoggerFactory logs = LogOutput.Create(LogFormat.Logfmt, LogLevel.Information, _time, stuck);
        // Different texts without a template: each is a message of its own to the repeat guard.
        Task logging = Task.Run(() =>
        {
            for (int i = 0; i < LogQueue.LinesMax + 2000; i++) logs.CreateLogger($"C{i}").LogInformation("text");
        });

        await logging.WaitAsync(Eventually.DefaultDeadline);
        stuck.Release();

        await Eventually.True(() => stuck.Text.Contains("dropped=", StringComparison.Ordinal), "the count of dropped lines");
    }

    private string Lines(LogFormat format, Action<ILogger> write)
    {
        var output = new StringWriter();
        using (ILoggerFactory logs = LogOutput.Create(format, LogLevel.Information, _time,
            output)) write(logs.CreateLogger("LokiGateway.Gateway.Forward"));
        return output.ToString();
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    private class LockedWriter : StringWriter
    {
        public string Text
        {
            get
            {
                lock (this) return ToString();
            }
        }

        public override void Write(string? value)
        {
            lock (this) base.Write(value);
        }
    }

    private sealed class StuckWriter : LockedWriter
    {
        private readonly ManualResetEventSlim _released = new();

        public void Release() => _released.Set();

        public override void Write(string? value)
        {
            _released.Wait();
            base.Write(value);
        }

        protected override void Dispose(bool disposing)
        {
            _released.Set();
            base.Dispose(disposing);
        }
    }
}
