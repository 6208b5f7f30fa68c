// A disk that can be filled without filling the machine's: full disks are where positions and dead letters go wrong.
using System.ComponentModel;
using System.Diagnostics;

namespace LokiGateway.EndToEnd.Tests.Programs;

/// <summary>A file system of 256 KiB in memory, over the state directory. Needs the right to mount.</summary>
internal sealed class TinyDisk : IDisposable
{
    private const string Filler = "filler";

    private readonly string _path;

    private TinyDisk(string path) => _path = path;

    public static TinyDisk? TryMount(string path, out string? refused)
    {
        refused = Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", path);
        return refused is null ? new TinyDisk(path) : null;
    }

    /// <summary>Takes every block that is left.</summary>
    public void Fill()
    {
        using var filler = new FileStream(Path.Combine(_path, Filler), new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            BufferSize = 0,
        });
        try
        {
            while (true) filler.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // Full: that is what was wanted.
        }
    }

    /// <summary>Gives back what <see cref="Fill"/> took.</summary>
    public void Free() => File.Delete(Path.Combine(_path, Filler));

    public void Dispose() => Run("umount", "-l", _path);

    private static string? Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : error.Trim();
        }
        catch (Win32Exception e)
        {
            return e.Message;
        }
    }
}
