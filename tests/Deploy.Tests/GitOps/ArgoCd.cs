// The Applications that the ApplicationSet stands for. Its templates are Go templates with Sprig, which is what helm renders: helm fills them in, element by
// element, and the patch is laid over the template as the controller does.
using System.Text.Json.Nodes;
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.GitOps;

internal static class ArgoCd
{
    public static JsonNode Project { get; } = YamlTree.Parse(File.ReadAllText(DeployTree.Path("gitops", "argocd", "project.yaml")));

    public static string SetText { get; } = File.ReadAllText(DeployTree.Path("gitops", "argocd", "applicationset.yaml"));

    public static JsonNode Set { get; } = YamlTree.Parse(SetText);

    public static async Task<IReadOnlyList<JsonNode>> ApplicationsAsync()
    {
        using var chart = new TempDirectory("applications");
        chart.Write("Chart.yaml", "apiVersion: v2\nname: applications\nversion: 0.0.0\n");
        chart.Write("values.yaml", "elements: " + Set["spec"]!["generators"]![0]!["list"]!["elements"]!.ToJsonString());
        var at = SetText.IndexOf("\n  template:\n", StringComparison.Ordinal);
        var patch = SetText.IndexOf("\n  templatePatch: |\n", StringComparison.Ordinal);
        chart.Write("templates/all.yaml", "{{- range .Values.elements }}\n---\napiVersion: argoproj.io/v1alpha1\nkind: Application\n" +
            Outdent(SetText[(at + "\n  template:\n".Length)..patch]) + "\n---\n" + Outdent(SetText[(patch + "\n  templatePatch: |\n".Length)..]) + "\n{{- end }}\n");
        var text = (await Tool.Helm.RunAsync(["template", "set", chart.Path, "--skip-schema-validation"])).Succeeded();
        Assert.DoesNotContain("<no value>", text, StringComparison.Ordinal);
        JsonNode[] documents = [.. text.Split("\n---\n").Select(WithoutMarks)
            .Where(static document => document.Trim().Length > 0).Select(YamlTree.Parse)];
        // helm puts what has no kind, the patches, first and keeps the order of the rest.
        var patches = documents.Where(static one => one["kind"] is null);
        JsonNode[] applications = [.. documents.Where(static one => one["kind"] is not null).Zip(patches,
            static (application, patch) => Merge((JsonObject)application, (JsonObject)patch))];
        Assert.All(applications, static one => Assert.Equal((string)one["metadata"]!["name"]!, $"{one["metadata"]!["labels"]!["cluster"]}-{Installation(one).Release}"));
        return applications;
    }

    public static Installation Installation(JsonNode application)
    {
        var spec = application["spec"]!;
        var (cluster, where) = ((string)spec["destination"]!["name"]!, (string)spec["destination"]!["namespace"]!);
        if (spec["source"] is { } own)
        {
            var chart = (string)own["path"]!;
            string Below(string file) => Path.GetRelativePath(DeployTree.Root, Path.GetFullPath(Path.Combine(DeployTree.Root, chart, file)));
            return new(cluster, where, (string)own["helm"]!["releaseName"]!, chart, Join(own["helm"]!["valueFiles"]!, Below));
        }
        var official = spec["sources"]!.AsArray().Single(static source => source!["chart"] is not null)!;
        return new(cluster, where, (string)official["helm"]!["releaseName"]!, $"{official["chart"]} {official["targetRevision"]}",
            Join(official["helm"]!["valueFiles"]!, static file => file.Replace("$values/", "", StringComparison.Ordinal)));
    }

    private static string WithoutMarks(string document) =>
        string.Join('\n', document.Split('\n').Where(static line => line is not "---" && !line.StartsWith("# Source", StringComparison.Ordinal)));

    private static string Join(JsonNode files, Func<string, string> path) => string.Join(' ', files.AsArray().Select(file => path((string)file!)));

    private static string Outdent(string lines) => string.Join('\n', lines.Split('\n').Select(static line => line.StartsWith("    ", StringComparison.Ordinal) ? line[4..] : line));

    private static JsonObject Merge(JsonObject under, JsonObject over)
    {
        foreach (var (key, value) in over.ToArray())
        {
            if (under[key] is JsonObject below && value is JsonObject above) Merge(below, above);
            else under[key] = value?.DeepClone();
        }
        return under;
    }
}
