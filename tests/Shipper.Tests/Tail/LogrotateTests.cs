// The real logrotate against the real scanner and tail, in both of its ways: what a person's /etc/logrotate.d does, not what we think it
// does.
using System.Diagnostics;
using System.Globalization;
using LokiGateway.Testing;

namespace LokiGateway.Shipper.Tests.Tail;

public sealed class LogrotateTests
{
    private const string Log = "logs/app.log";

    [Theory]
    [InlineData("create", "logs/*.log")]
    [InlineData("create", "logs/**")]
    [InlineData("create\n  dateext\n  dateformat -%Y%m%d-%s", "logs/*.log")]
    [InlineData("copytruncate", "logs/*.log")]
    [InlineData("copytruncate", "logs/**")]
    [InlineData("create\n  compress\n  delaycompress", "logs/*.log")]
    public async Task RotatedByLogrotate_EveryLineArrivesOnce_AlsoOverARestart(string mode, string pattern)
    {
        string logrotate = FindLogrotate();
        using TailRig rig = new TailRig(null, pattern).Start();
        int line = 0;
        for (int generation = 0; generation < 6; generation++)
        {
            Write(rig, ref line, 40);
            // Sometimes caught up, sometimes not; a copytruncate is looked for by the content that was read before.
            if (generation % 2 == 0 || mode == "copytruncate") rig.Settle();
            Write(rig, ref line, 5);
            // A name with the date cannot be given twice in one of its seconds.
            long second = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            if (mode.Contains("dateext"))
                await Eventually.True(() => DateTimeOffset.UtcNow.ToUnixTimeSeconds() > second, "the next second");
            Rotate(logrotate, rig, mode);
            if (generation == 3)
            {
                rig.Settle();
                rig.Committer.CommitOnce();
                rig.KillAndStart();
            }
        }
        Write(rig, ref line, 3);
        rig.Settle();
        rig.Time.Advance(TimeSpan.FromSeconds(40));
        rig.Settle();
        Assert.Equal(Enumerable.Range(0, line).Select(Line), rig.Shipped.Select(s => s.Line));
    }

    private static string Line(int number) => string.Create(CultureInfo.InvariantCulture, $"line {number} of a program that logs {number * 7919 % 1000}");

    private static void Write(TailRig rig, ref int line, int count)
    {
        for (int i = 0; i < count; i++) rig.Append(Log, Line(line++) + "\n");
    }

    private static void Rotate(string logrotate, TailRig rig, string mode)
    {
        string configuration = rig.PathOf("logrotate.conf");
        File.WriteAllText(configuration, $"{rig.PathOf(Log)} {{\n  rotate 10\n  {mode}\n}}\n");
        string[] arguments = ["--force", "--state", rig.PathOf("logrotate.state"), configuration];
        var start = new ProcessStartInfo(logrotate, arguments) { RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
    }

    private static string FindLogrotate()
    {
        string[] directories = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/sbin", "/sbin"];
        string? found = directories.Select(d => Path.Combine(d, "logrotate")).FirstOrDefault(File.Exists);
        if (found is not null) return found;
        Assert.SkipWhen(
            Environment.GetEnvironmentVariable("LOKIGATEWAY_WITHOUT_LOGROTATE") == "1",
            "LOKIGATEWAY_WITHOUT_LOGROTATE=1: rotation is only tested with our own renames here");
        Assert.Fail("logrotate is not installed: run `make test`, which installs it, or `apt-get install logrotate`, or set LOKIGATEWAY_WITHOUT_LOGROTATE=1");
        return "";
    }
}
