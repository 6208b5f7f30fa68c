namespace LokiGateway.Shipper.Label;

/// <summary>What the books, the report, the ledger and the losses call the source of a line.</summary>
internal static class SourceName
{
    /// <summary>namespace/pod/container of a container's log, over all its generations and restarts; the path of any other.</summary>
    public static string Of(string logicalPath) =>
        PodLogPath.TryParse(logicalPath, out PodLogPath? pod) ? $"{pod.Namespace}/{pod.Pod}/{pod.Container}" : logicalPath;
}
