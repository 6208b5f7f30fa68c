// How OTLP/HTTP pushes are answered: what the specification asks for and what Loki does are two things.
namespace LokiGateway.Gateway;

/// <summary>The key <c>otlp.response</c>.</summary>
public enum OtlpResponse
{
    /// <summary>200 with an ExportLogsServiceResponse, its partial_success filled when records were refused; errors as google.rpc.Status.</summary>
    PartialSuccess,

    /// <summary>204 without a body, and errors as text, as Loki 3.2.</summary>
    Loki,
}
