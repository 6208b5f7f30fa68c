// The file system of an image's final stage, made without an engine: what the chiseled base holds, as far as this machine can stand in for it
// (its C library, OpenSSL and compiler libraries, certificates, two users), and then exactly what the stage copies. No shell, no other program, no
// ICU; time zones only where the stage copies them. What a program needs beyond that it will not find.
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Images;

[SupportedOSPlatform("linux")]
internal sealed class FinalStage
{
    // ubuntu 24.04's slices libc6_libs, libgcc-s1_libs, libstdc++6_libs, libssl3t64_libs and what that needs, as the base image is cut from them.
    private static readonly string[] Libraries =
    [
        "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2", "libnss_files.so.2", "libnss_dns.so.2",
        "libgcc_s.so.1", "libstdc++.so.6", "libssl.so.3", "libcrypto.so.3", "libz.so.1", "libzstd.so.1",
    ];

    private static readonly string[] Folders =
    [
        "usr/bin", "usr/sbin", "usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib/ssl", "etc/ssl/certs", "home/app", "root", "run", "tmp", "var/lib", "var/log",
        "var/tmp", "proc", "dev", "sys",
    ];

    private FinalStage(Dockerfile file, string root) => (File, Root) = (file, root);

    public Dockerfile File { get; }

    /// <summary>What is "/" to the program.</summary>
    public string Root { get; }

    /// <summary>The variables of the base image, and what the stage adds. Nothing else: a runtime may set HOME, it need not.</summary>
    public IReadOnlyDictionary<string, string> Variables
    {
        get
        {
            Dictionary<string, string> variables = new(StringComparer.Ordinal)
            {
                ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                ["APP_UID"] = "1654",
                ["ASPNETCORE_HTTP_PORTS"] = "8080",
                ["DOTNET_RUNNING_IN_CONTAINER"] = "true",
                ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "true",
            };
            foreach (var pair in File.Final.Where(static one => one.Name == "ENV").SelectMany(static one => one.Arguments).Select(static one => one.Split('=', 2)))
                variables[pair[0]] = pair[1];
            return variables;
        }
    }

    /// <summary>Makes it below <paramref name="temp"/>; skips the running test where the binary was not published or this machine has no such libraries.</summary>
    /// <param name="temp">Where.</param>
    /// <param name="name">shipper, gateway or lokiops.</param>
    /// <param name="authorities">PEM of certificates that the image trusts instead of this machine's.</param>
    public static FinalStage Make(TempDirectory temp, string name, string? authorities = null)
    {
        var file = Dockerfile.Load(name);
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64,
            $"Binaries are published for linux-x64; this machine is {RuntimeInformation.RuntimeIdentifier}");
        var stage = new FinalStage(file, temp.Folder("root"));
        stage.LayBase(authorities);
        foreach (var copy in file.Final.Where(static one => one.Name == "COPY")) stage.Copy(copy);
        return stage;
    }

    private static string Published(string program)
    {
        var path = Path.Combine(DeployTree.Root, "artifacts", "publish", program, program);
        if (!System.IO.File.Exists(path)) Assert.Skip($"artifacts/publish/{program}/{program} is not there: make publish makes it, with clang or gcc");
        return path;
    }

    private void LayBase(string? authorities)
    {
        foreach (var folder in Folders)
            Directory.CreateDirectory(At(folder));
        foreach (var link in new[] { "bin", "sbin", "lib", "lib64" }) System.IO.File.CreateSymbolicLink(At(link), $"usr/{link}");
        foreach (var library in Libraries) System.IO.File.Copy(Find(library), At($"usr/lib/x86_64-linux-gnu/{library}"));
        System.IO.File.Copy("/lib64/ld-linux-x86-64.so.2", At("usr/lib64/ld-linux-x86-64.so.2"));
        System.IO.File.WriteAllText(At("etc/passwd"), "root:x:0:0:root:/:/bin/false\napp:x:1654:1654::/:/bin/false\n");
        System.IO.File.WriteAllText(At("etc/group"), "root:x:0:\napp:x:1654:\n");
        // One bundle, found by OpenSSL through its default name; no folder of hashed links.
        var bundle = authorities ?? (System.IO.File.Exists("/etc/ssl/certs/ca-certificates.crt") ? System.IO.File.ReadAllText("/etc/ssl/certs/ca-certificates.crt") : "");
        System.IO.File.WriteAllText(At("etc/ssl/certs/ca-certificates.crt"), bundle);
        System.IO.File.CreateSymbolicLink(At("usr/lib/ssl/cert.pem"), "/etc/ssl/certs/ca-certificates.crt");
    }

    private void Copy(Instruction copy)
    {
        var (source, target) = (copy.Arguments[0], At(copy.Arguments[^1].TrimStart('/')));
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        if (copy.Flag("from") is null) source = Path.Combine(DeployTree.Root, source);
        else if (source == $"/out/{File.Program}") source = Published(File.Program);
        else if (source.EndsWith(".cdx.json", StringComparison.Ordinal))
        {
            // Made by the build stage; BuildStageTests makes a real one.
            System.IO.File.WriteAllText(target, "{}");
            return;
        }
        else if (!Path.Exists(source)) Assert.Skip($"{source} of the build stage has no stand-in on this machine");

        if (Directory.Exists(source)) CopyFolder(source, target);
        else System.IO.File.Copy(source, target);
        if (copy.Flag("chmod") is { } mode) System.IO.File.SetUnixFileMode(target, (UnixFileMode)Convert.ToInt32(mode, 8));
    }

    private static void CopyFolder(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (var file in Directory.EnumerateFiles(source)) System.IO.File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        // posix/ and right/ repeat all zones; who names them is not our user.
        foreach (var folder in Directory.EnumerateDirectories(source).Where(static folder => Path.GetFileName(folder) is not ("posix" or "right")))
            CopyFolder(folder, Path.Combine(target, Path.GetFileName(folder)));
    }

    private static string Find(string library)
    {
        var found = new[] { "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64" }
            .Select(folder => Path.Combine(folder, library)).FirstOrDefault(System.IO.File.Exists);
        if (found is null) Assert.Skip($"This machine has no {library} to stand in for the base image's");
        return found;
    }

    private string At(string path) => Path.Combine(Root, path);
}
