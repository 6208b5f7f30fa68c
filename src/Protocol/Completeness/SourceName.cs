namespace LokiGateway.Protocol.Completeness;

/// <summary>What the books, the report, the ledger, the losses and an audit of them call the source of a line: one spelling, or nothing can be compared.</summary>
public static class SourceName
{
    /// <summary>namespace/pod/container of a container's log, over all its generations and restarts; the path of any other.</summary>
    public static string Of(string logicalPath) =>
        PodLogPath.TryParse(logicalPath, out PodLogPath? pod) ? Of(pod.Namespace, pod.Pod, pod.Container) : logicalPath;

    /// <summary>The same from labels.</summary>
    public static string Of(string @namespace, string pod, string container) => $"{@namespace}/{pod}/{container}";

    /// <summary>The namespace in a source's name; null: it is the path of a host log.</summary>
    public static string? NamespaceOf(string source)
    {
        int slash = source.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 ? source[..slash] : null;
    }
}
