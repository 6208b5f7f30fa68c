// A ConfigMap or Secret as kubelet mounts it: what is read are links through "..data", and a change swaps that one link for another. A program that looks at the
// file's own time or link misses the change.
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace LokiGateway.Testing;

/// <summary>A directory of links whose files change all at once.</summary>
public sealed partial class MountedVolume
{
    private int _writes;

    /// <summary>Makes the directory with its first content.</summary>
    public MountedVolume(string path, params ReadOnlySpan<(string Name, string Text)> files)
    {
        Path = Directory.CreateDirectory(path).FullName;
        Write(files);
    }

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    /// <summary>Path of one of its files.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Replaces all of its files, as kubelet's atomic writer does: a new directory, a new link beside "..data", renamed over it.</summary>
    public void Write(params ReadOnlySpan<(string Name, string Text)> files)
    {
        var old = _writes == 0 ? null : System.IO.Path.Combine(Path, $"..{_writes}");
        var fresh = $"..{++_writes}";
        Directory.CreateDirectory(System.IO.Path.Combine(Path, fresh));
        foreach (var (name, text) in files)
        {
            var file = System.IO.Path.Combine(Path, fresh, name);
            System.IO.File.WriteAllText(file, text);
            // The time says nothing: a copy may keep it.
            System.IO.File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddDays(20_000));
        }
        var link = System.IO.Path.Combine(Path, "..data");
        System.IO.File.CreateSymbolicLink(link + "_tmp", fresh);
        if (Rename(link + "_tmp", link) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
        foreach (var (name, _) in files)
            if (new FileInfo(File(name)).LinkTarget is null) System.IO.File.CreateSymbolicLink(File(name), $"..data/{name}");
        if (old is not null) Directory.Delete(old, recursive: true);
    }

    // rename(2): File.Move refuses a link to a directory.
    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);
}
