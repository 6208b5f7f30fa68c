// A chart under deploy/helm, rendered by the real helm. A rendering is made once for each set of values and shared by all tests: helm takes
// longer than everything that is asserted over its output.
using System.Collections.Concurrent;

namespace LokiGateway.Deploy.Tests.Kit;

internal sealed class HelmChart
{
    private readonly ConcurrentDictionary<string, Lazy<Task<Rendering>>> _renderings = new(StringComparer.Ordinal);

    public HelmChart(string folder) => Folder = folder;

    public static HelmChart Shipper { get; } = new(DeployTree.Path("helm", "shipper"));

    public static HelmChart Gateway { get; } = new(DeployTree.Path("helm", "gateway"));

    public static HelmChart Lokiops { get; } = new(DeployTree.Path("helm", "lokiops"));

    public string Folder { get; }

    /// <summary>An absolute path below the chart.</summary>
    public string File(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>The manifests for these values; the test fails with helm's words when there are none.</summary>
    /// <param name="release">Name of the release.</param>
    /// <param name="values">Arguments of helm: -f FILE, --set key=value, --namespace NAME.</param>
    public Task<Rendering> RenderAsync(string release, params string[] values) =>
        _renderings.GetOrAdd(string.Join('\n', [release, .. values]), _ => new(async () =>
        {
            ToolRun run = await TemplateAsync(release, values);
            return Rendering.Parse(run.Succeeded());
        })).Value;

    /// <summary>helm template, whatever comes of it: for values that must be refused.</summary>
    public Task<ToolRun> TemplateAsync(string release, params string[] values) => Tool.Helm.RunAsync(["template", release, Folder, .. values]);

    /// <summary>helm lint --strict.</summary>
    public Task<ToolRun> LintAsync(params string[] values) => Tool.Helm.RunAsync(["lint", "--strict", Folder, .. values]);

    /// <summary>A copy in which files may be added or changed.</summary>
    public HelmChart CopyTo(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(folder, Path.GetRelativePath(Folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            System.IO.File.Copy(file, target);
        }

        return new HelmChart(folder);
    }
}
