// A container as far as the kernel is concerned, without an engine: own mounts and process ids, "/" is the image, read-only, the image's user, no
// capability, no way to get one. What Kubernetes mounts (configuration, /etc/hosts, /var/log, the state directory) is mounted. The network is this machine's.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Images;

/// <summary>What is mounted into the container. A file's target must be a file.</summary>
internal sealed record ContainerMount(string Source, string Target, bool IsReadOnly = true);

/// <summary>A program in its image. Disposing kills it.</summary>
[SupportedOSPlatform("linux")]
internal sealed class Container : IAsyncDisposable
{
    private readonly ChildProcess _unshare;

    private Container(ChildProcess unshare) => _unshare = unshare;

    /// <summary>Its output, and the end of it; not its process id, which is the namespace's keeper's.</summary>
    public ChildProcess Process => _unshare;

    /// <summary>Starts the image's ENTRYPOINT; skips the running test where this machine lets nobody make a container.</summary>
    public static Container Start(FinalStage stage, IEnumerable<ContainerMount> mounts, IReadOnlyDictionary<string, string>? variables, params IEnumerable<string> arguments)
    {
        if (Refusal() is { } refused) Assert.Skip($"This machine makes no container: {refused}");
        ContainerMount[] all = [new("/etc/hosts", "/etc/hosts"), new("/dev/null", "/dev/null", false), new("/dev/urandom", "/dev/urandom", false), .. mounts];
        List<string> script = ["set -e", "mount --make-rprivate /", $"mount --bind '{stage.Root}' '{stage.Root}'"];
        foreach (var mount in all)
        {
            var target = stage.Root + mount.Target;
            if (Directory.Exists(mount.Source)) Directory.CreateDirectory(target);
            else if (!File.Exists(target)) File.WriteAllText(target, "");
            script.Add($"mount --bind '{mount.Source}' '{target}'");
            if (mount.IsReadOnly) script.Add($"mount -o remount,bind,ro '{target}'");
        }
        script.Add($"mount -t proc proc '{stage.Root}/proc'");
        script.Add($"mount -o remount,bind,ro '{stage.Root}'");
        var environment = stage.Variables.Concat(variables ?? new Dictionary<string, string>()).GroupBy(static one => one.Key)
            .Select(static same => $"'{same.Key}={same.Last().Value}'");
        var user = stage.File.User.Split(':');
        // The order is capsh's order: in the new root, without capabilities to regain, as the user; --uid= takes from a user who is not root what is left.
        var become = user[0] == "0" ? "" : $"--gid={user[1]} --groups={user[1]} --uid={user[0]} ";
        script.Add($"exec env -i {string.Join(' ', environment)} {Capsh} '--chroot={stage.Root}' --drop=all --no-new-privs {become}--shell={stage.File.Entrypoint[0]} -- " +
            string.Join(' ', arguments.Select(static one => $"'{one}'")));
        return new Container(ChildProcess.Start("unshare", null, ["--mount", "--pid", "--fork", "--kill-child=SIGKILL", "sh", "-c", string.Join("\n", script)]));
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, string Stdout, string Stderr)> RunAsync(FinalStage stage, IEnumerable<ContainerMount> mounts, params IEnumerable<string> arguments)
    {
        await using var container = Start(stage, mounts, null, arguments);
        return (await container.Process.WaitExitAsync(), container.Process.Stdout, container.Process.Stderr);
    }

    /// <summary>The program's own process id, seen from outside.</summary>
    public int ProgramId() => int.Parse(File.ReadAllText($"/proc/{_unshare.Id}/task/{_unshare.Id}/children").Trim().Split(' ')[0], CultureInfo.InvariantCulture);

    /// <summary>A line of the program's /proc status, without its name.</summary>
    public string Status(string name) => File.ReadLines($"/proc/{ProgramId()}/status")
        .First(line => line.StartsWith(name + ":", StringComparison.Ordinal))[(name.Length + 1)..].Trim();

    /// <summary>SIGTERM to the program, as the kubelet sends it, and its exit code.</summary>
    public async Task<int> StopAsync()
    {
        await SignalAsync("-TERM");
        return await _unshare.WaitExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        // The program first: what the kernel was asked to send it at its keeper's death is forgotten when a process changes its user.
        if (!_unshare.HasExited) await SignalAsync("-KILL");
        await _unshare.DisposeAsync();
    }

    private async Task SignalAsync(string signal)
    {
        try
        {
            var id = ProgramId().ToString(CultureInfo.InvariantCulture);
            using var kill = System.Diagnostics.Process.Start(new ProcessStartInfo("kill", [signal, id]) { RedirectStandardError = true })!;
            await kill.WaitForExitAsync();
        }
        catch (Exception gone) when (gone is IOException or FormatException)
        {
            // It ended in between, or has not begun.
        }
    }

    private static string Capsh => File.Exists("/usr/sbin/capsh") ? "/usr/sbin/capsh" : "/sbin/capsh";

    private static string? Refusal()
    {
        if (!Environment.IsPrivilegedProcess) return "it needs root";
        if (!File.Exists(Capsh)) return "there is no capsh (Debian: libcap2-bin)";
        using var probe = System.Diagnostics.Process.Start(new ProcessStartInfo("unshare",
            ["--mount", "--pid", "--fork", "--kill-child=SIGKILL", "sh", "-c",
                $"mount --make-rprivate / && mount --bind /mnt /mnt && mount -o remount,bind,ro /mnt && {Capsh} --drop=all --no-new-privs -- -c true"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        var errors = probe.StandardError.ReadToEnd();
        probe.WaitForExit();
        return probe.ExitCode == 0 ? null : errors.Trim();
    }
}
