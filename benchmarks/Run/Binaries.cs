// The programs under test are the Native AOT binaries that users run, published here when they are missing or older than their sources.
using System.Diagnostics;

namespace LokiGateway.Benchmarks.Run;

/// <summary>Finds or publishes artifacts/publish/NAME/NAME.</summary>
internal sealed class Binaries(string repository)
{
    private static readonly (string Name, string Project)[] Programs =
    [
        ("benchmark-native", "benchmarks/Native"),
        ("loki-shipper", "src/Shipper"),
        ("loki-gateway", "src/Gateway"),
        ("local-loki", "src/LocalLoki"),
    ];

    /// <summary>What goes into every program besides its own project.</summary>
    private static readonly string[] SharedSources = ["src/Protocol", "src/Hosting"];

    public string Native => PathOf("benchmark-native");

    public string Shipper => PathOf("loki-shipper");

    public string Gateway => PathOf("loki-gateway");

    public string LocalLoki => PathOf("local-loki");

    /// <summary>The folder of this checkout: the nearest one above the program that holds the solution.</summary>
    public static string FindRepository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "LokiGateway.sln"))) return folder.FullName;
        }
        throw new BenchmarkException(
            $"no LokiGateway.sln above {AppContext.BaseDirectory}: start me with `dotnet run --project benchmarks`");
    }

    public async Task PublishAsync(IReadOnlySet<string> needed, Report.Progress progress, CancellationToken cancellation)
    {
        foreach ((string name, string project) in Programs)
        {
            if (!needed.Contains(name) || IsFresh(name, project)) continue;
            using Report.ProgressStep step = progress.Begin($"publish {name} (Native AOT, once per change of its sources)");
            await PublishAsync(name, project, cancellation);
        }
    }

    private string PathOf(string name) => Path.Combine(repository, "artifacts", "publish", name, name);

    private bool IsFresh(string name, string project)
    {
        var binary = new FileInfo(PathOf(name));
        if (!binary.Exists) return false;
        IEnumerable<string> sources = SharedSources.Append(project).SelectMany(folder =>
            Directory.EnumerateFiles(Path.Combine(repository, folder), "*", SearchOption.AllDirectories).Where(IsSource));
        return sources.Concat(Directory.EnumerateFiles(repository, "Directory.*"))
            .All(path => File.GetLastWriteTimeUtc(path) <= binary.LastWriteTimeUtc);
    }

    private static bool IsSource(string path) =>
        Path.GetExtension(path) is ".cs" or ".csproj" or ".json" or ".html" or ".css" or ".js" or ".svg" && !path.Contains("/obj/", StringComparison.Ordinal)
        && !path.Contains("/bin/", StringComparison.Ordinal);

    private async Task PublishAsync(string name, string project, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo("dotnet",
        [
            "publish", Path.Combine(repository, project), "-c", "Release", "-r", "linux-x64", "-o", Path.GetDirectoryName(PathOf(name))!,
            "--nologo", "-v", "quiet",
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = repository,
        };
        // `dotnet run` tells its children where its own MSBuild is; a publish of another project must find its own.
        string[] inherited = [.. start.Environment.Keys.Where(key => key.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase))];
        foreach (string variable in inherited)
            start.Environment.Remove(variable);
        using Process publish = Process.Start(start) ?? throw new BenchmarkException("dotnet did not start");
        try
        {
            Task<string> errors = publish.StandardError.ReadToEndAsync(cancellation);
            string output = await publish.StandardOutput.ReadToEndAsync(cancellation);
            await publish.WaitForExitAsync(cancellation);
            if (publish.ExitCode != 0) throw new BenchmarkException($"dotnet publish {project} failed:\n{output}{await errors}");
        }
        finally
        {
            if (!publish.HasExited) publish.Kill(entireProcessTree: true);
        }
        // An incremental publish may leave the binary's time as it was: the sources have been looked at now.
        if (File.GetLastWriteTimeUtc(PathOf(name)) < StartedAt) File.SetLastWriteTimeUtc(PathOf(name), StartedAt);
    }

    private static DateTime StartedAt { get; } = Process.GetCurrentProcess().StartTime.ToUniversalTime();
}
