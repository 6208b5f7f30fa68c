// A rule of deploy/alerts as Prometheus reads it, with the file that it stands in for messages.
namespace LokiGateway.Deploy.Tests.Alerts;

/// <summary>One rule: either an alert or a recording.</summary>
/// <param name="File">shipper.yaml.</param>
/// <param name="Alert">The alert's name, or null.</param>
/// <param name="Record">The recorded name, or null.</param>
/// <param name="Expression">Its PromQL.</param>
/// <param name="Labels">Labels that it adds.</param>
/// <param name="Annotations">Texts.</param>
internal sealed record Rule(
    string File, string? Alert, string? Record, string Expression, IReadOnlyDictionary<string, string> Labels, IReadOnlyDictionary<string, string> Annotations)
{
    public string Name => $"{File}: {Alert ?? Record}";
}
