// A query that is not LogQL, in Loki's words: people read these texts in Grafana, and logcli prints them, so they keep Loki's form.

namespace LokiGateway.LocalLoki.LogQl;

/// <summary>Thrown inside the parser only and caught by <see cref="LogQlParser.TryParse"/>; its message is what the client reads.</summary>
internal sealed class LogQlException : Exception
{
    public LogQlException(string message)
        : base("parse error : " + message)
    {
    }

    public LogQlException(string message, int line, int column)
        : base($"parse error at line {line}, col {column}: {message}")
    {
    }
}
