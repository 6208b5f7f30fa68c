namespace LokiGateway.Hosting.Logging;

/// <summary>How log lines are written; both are read by Loki's own parsers (<c>| logfmt</c>, <c>| json</c>).</summary>
public enum LogFormat
{
    Logfmt,
    Json,
}
