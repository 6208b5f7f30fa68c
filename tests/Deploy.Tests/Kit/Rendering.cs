// What helm made of a chart and its values: the text, and its manifests one by one.
using k8s.Models;

namespace LokiGateway.Deploy.Tests.Kit;

internal sealed class Rendering
{
    private Rendering(string text, IReadOnlyList<Manifest> manifests) => (Text, Manifests) = (text, manifests);

    public string Text { get; }

    public IReadOnlyList<Manifest> Manifests { get; }

    /// <summary>All of a kind, such as <c>NetworkPolicy</c>.</summary>
    public IEnumerable<Manifest> Of(string kind) => Manifests.Where(manifest => manifest.Kind == kind);

    /// <summary>The only one of a kind, or the one of that name.</summary>
    public Manifest One(string kind, string? name = null) => Assert.Single(Of(kind), manifest => name is null || manifest.Name == name);

    public static Rendering Parse(string text)
    {
        List<Manifest> manifests = [];
        foreach (string document in $"\n{text}".Split("\n---"))
        {
            if (document.Split('\n').Any(static line => line.Length > 0 && line[0] is not '#')) manifests.Add(Manifest.Parse(document.TrimStart(' ')));
        }

        return new Rendering(text, manifests);
    }

    /// <summary>Every pod that comes of this: those of workloads, and bare ones (helm test).</summary>
    public IEnumerable<RenderedPod> Pods()
    {
        foreach (Manifest manifest in Manifests)
        {
            switch (manifest.Kind)
            {
                case "DaemonSet":
                    yield return new(manifest, manifest.As<V1DaemonSet>().Spec.Template.Metadata, manifest.As<V1DaemonSet>().Spec.Template.Spec);
                    break;
                case "Deployment":
                    yield return new(manifest, manifest.As<V1Deployment>().Spec.Template.Metadata, manifest.As<V1Deployment>().Spec.Template.Spec);
                    break;
                case "StatefulSet":
                    yield return new(manifest, manifest.As<V1StatefulSet>().Spec.Template.Metadata, manifest.As<V1StatefulSet>().Spec.Template.Spec);
                    break;
                case "CronJob":
                    V1PodTemplateSpec job = manifest.As<V1CronJob>().Spec.JobTemplate.Spec.Template;
                    yield return new(manifest, job.Metadata, job.Spec);
                    break;
                case "Job":
                    yield return new(manifest, manifest.As<V1Job>().Spec.Template.Metadata, manifest.As<V1Job>().Spec.Template.Spec);
                    break;
                case "Pod":
                    yield return new(manifest, manifest.As<V1Pod>().Metadata, manifest.As<V1Pod>().Spec);
                    break;
                default:
                    break;
            }
        }
    }
}
