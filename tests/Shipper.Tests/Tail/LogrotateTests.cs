// The real logrotate against the real scanner and tail, in both of its ways: what a person's /etc/logrotate.d does, not what we think it
// does.
using System.Diagnostics;
using System.Globalization;

namespace LokiGateway.Shipper.Tests.Tail;

public sealed class LogrotateTests
{
    private const string Log = "logs/app.log";

    /// <summary>Stands for a number that grows with every rotation: with the seconds of a real dateformat the tests would wait for each.</summary>
    private const string Number = "#";

    private const string Dates = $"\n  dateext\n  dateformat -%Y%m%d-{Number}";

    private int _rotations;

    /// <summary>logrotate.d as people write it, for a source that names the logs and for one that is given the whole directory.</summary>
    public static TheoryData<string, string> Modes
    {
        get
        {
            // logrotate finds the file of a delaycompress by its dateformat, and would not with such a number in it.
            string[] ways = ["", "\n  compress", "\n  compress\n  delaycompress", Dates, Dates + "\n  compress"];
            var modes = new TheoryData<string, string>();
            foreach (string mode in (string[])["create", "copytruncate"])
                foreach (string way in ways)
                    foreach (string pattern in (string[])["logs/*.log", "logs/**"])
                        modes.Add(mode + way, pattern);
            return modes;
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task RotatedByLogrotate_EveryLineArrivesOnce_AlsoOverARestart(string mode, string pattern)
    {
        string logrotate = FindLogrotate();
        using TailRig rig = new TailRig(null, pattern).Start();
        int line = 0;
        for (int generation = 0; generation < 6; generation++)
        {
            Write(rig, ref line, 40);
            // Sometimes caught up, sometimes not: then two rotations lie between two looks.
            if (generation % 2 == 0) rig.Settle();
            Write(rig, ref line, 5);
            await Rotate(logrotate, rig, mode);
            if (generation == 3)
            {
                rig.Settle();
                rig.Committer.CommitOnce();
                rig.KillAndStart();
            }
        }
        Write(rig, ref line, 3);
        AssertEveryLineArrivedOnce(rig, line);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task RotatedByLogrotateWhileDown_EveryLineArrivesOnce(string mode, string pattern)
    {
        string logrotate = FindLogrotate();
        using TailRig rig = new TailRig(null, pattern).Start();
        int line = 0;
        for (int downtime = 0; downtime < 3; downtime++)
        {
            Write(rig, ref line, 40);
            rig.Settle();
            rig.Committer.CommitOnce();
            rig.Kill();
            for (int rotation = 0; rotation <= downtime; rotation++)
            {
                Write(rig, ref line, 5);
                await Rotate(logrotate, rig, mode);
            }
            Write(rig, ref line, 5);
            rig.Start();
            rig.Settle();
            rig.Committer.CommitOnce();
            rig.KillAndStart();
        }
        AssertEveryLineArrivedOnce(rig, line);
    }

    private static void AssertEveryLineArrivedOnce(TailRig rig, int lines)
    {
        rig.Settle();
        rig.Time.Advance(TimeSpan.FromSeconds(40));
        rig.Settle();
        Assert.Equal(Enumerable.Range(0, lines).Select(Line), rig.Shipped.Select(s => s.Line));
        Assert.Empty(rig.Lost);
    }

    private static string Line(int number) => string.Create(CultureInfo.InvariantCulture, $"line {number} of a program that logs {number * 7919 % 1000}");

    private static void Write(TailRig rig, ref int line, int count)
    {
        for (int i = 0; i < count; i++) rig.Append(Log, Line(line++) + "\n");
    }

    private async Task Rotate(string logrotate, TailRig rig, string mode)
    {
        string configuration = rig.PathOf("logrotate.conf");
        mode = mode.Replace(Number, (++_rotations).ToString("D3", CultureInfo.InvariantCulture));
        File.WriteAllText(configuration, $"{rig.PathOf(Log)} {{\n  rotate 10\n  {mode}\n}}\n");
        string[] arguments = ["--force", "--state", rig.PathOf("logrotate.state"), configuration];
        var start = new ProcessStartInfo(logrotate, arguments) { RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
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
