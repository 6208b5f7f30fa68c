using Microsoft.AspNetCore.Http;
using Prometheus;

namespace LokiGateway.Hosting.Admin;

/// <summary>What a program shows on its admin port. The functions are called per request, from any thread.</summary>
public sealed record AdminEndpoints
{
    /// <summary>Written by GET /metrics.</summary>
    public required CollectorRegistry Metrics { get; init; }

    /// <summary>Written after <see cref="Metrics"/> on the same page; no name may be in two of them.</summary>
    public IReadOnlyList<CollectorRegistry> MoreMetrics { get; init; } = [];

    /// <summary>Answers GET /ready.</summary>
    public required Func<ReadyState> Ready { get; init; }

    /// <summary>Answers GET /config: YAML with secrets already masked (
    /// <see cref="Configuration.ConfigurationFile.ToMaskedYaml"/>).</summary>
    public required Func<string> Config { get; init; }

    /// <summary>Further GET routes by exact path.</summary>
    public IReadOnlyDictionary<string, RequestDelegate> Routes { get; init; } = new Dictionary<string, RequestDelegate>();
}
