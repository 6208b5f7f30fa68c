// Loki changed in 3.3 what counts against a tenant's rate; refusing at another byte than Loki does would make its limits a riddle.
namespace LokiGateway.Gateway;

/// <summary>What counts against <c>ingestion_rate_mb</c>.</summary>
public enum ByteCounting
{
    /// <summary>Loki 3.2: the log lines alone.</summary>
    Lines,

    /// <summary>Loki 3.3 and later: lines, and names and values of structured metadata (grafana/loki#14571).</summary>
    LinesAndMetadata,
}
