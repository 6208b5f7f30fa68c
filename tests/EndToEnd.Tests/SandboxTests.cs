// How a careful cluster runs it: the root file system read-only, no capability left, no directory for temporary files.
using System.Diagnostics;
using System.Runtime.Versioning;
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class SandboxTests
{
    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task ReadOnlyRootAndNoCapabilities_OnlyTheStateDirectoryIsWritten()
    {
        if (Refusal() is { } refused) Assert.Skip($"This machine makes no mount namespace: {refused}");
        using var temp = new TempDirectory("sandbox");
        await using var sink = FaultSink.Start();
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 41);
        writer.Write(50, tearShare: 0);
        File.SetUnixFileMode(writer.CurrentPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        // Another user's file that nobody else may read: with CAP_DAC_OVERRIDE root could.
        var strange = temp.Write("pods/default_web-1_1/app/0.log", "2026-11-22T22:15:01.000000000Z stdout F not for us\n");
        File.SetUnixFileMode(strange, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using (var chown = Process.Start("chown", ["65534", strange])) await chown.WaitForExitAsync();
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl);
        Directory.CreateDirectory(setup.StateDirectory);
        var host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var script = $"mount --make-rprivate / && mount --bind '{setup.StateDirectory}' '{setup.StateDirectory}' && mount -o remount,bind,ro / " +
            "&& ! touch /tmp/written 2>/dev/null " +
            $"&& exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs {host} {AppContext.BaseDirectory}loki-shipper.dll --config.file={setup.ConfigFile}";

        await using var shipper = ChildProcess.Start("unshare", new Dictionary<string, string> { ["TMPDIR"] = "/nowhere" }, ["-m", "sh", "-c", script]);
        await shipper.WaitReadyAsync(setup.Admin);
        await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), static delivery => delivery.IsExact, "every line once");
        writer.Rotate();
        writer.Write(50, tearShare: 0);
        await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), static delivery => delivery.IsExact, "lines after a rotation");
        await shipper.WaitLineAsync(line => line.Contains(strange, StringComparison.Ordinal) && line.Contains("permission denied", StringComparison.Ordinal),
            "the file that it may not read, by name");
        Assert.Contains(File.ReadLines($"/proc/{shipper.Id}/status"), static line => line.StartsWith("CapEff:\t0000000000000000", StringComparison.Ordinal));
        shipper.Terminate();
        Assert.Equal(0, await shipper.WaitExitAsync());
        Assert.True(File.Exists(setup.CheckpointFile), "positions were saved");
    }

    private static string? Refusal()
    {
        if (!Environment.IsPrivilegedProcess) return "it needs root";
        using var probe = Process.Start(new ProcessStartInfo("unshare", ["-m", "sh", "-c", "mount --make-rprivate / && mount -o remount,bind,ro / && setpriv --bounding-set=-all true"])
        {
            RedirectStandardError = true,
        })!;
        var errors = probe.StandardError.ReadToEnd();
        probe.WaitForExit();
        return probe.ExitCode == 0 ? null : errors.Trim();
    }
}
