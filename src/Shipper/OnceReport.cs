// What `--once` prints: one line of JSON for scripts.
using System.Text.Json.Serialization;

namespace LokiGateway.Shipper;

internal sealed record OnceReport(
    [property: JsonPropertyName("lines_read")] long LinesRead,
    [property: JsonPropertyName("lines_acked")] long LinesAcked,
    [property: JsonPropertyName("lines_rejected")] long LinesRejected,
    [property: JsonPropertyName("lines_lost")] long LinesLost,
    [property: JsonPropertyName("lines_in_flight")] long LinesInFlight,
    [property: JsonPropertyName("bytes_read")] long BytesRead,
    [property: JsonPropertyName("seconds")] double Seconds);

[JsonSerializable(typeof(OnceReport))]
internal sealed partial class OnceReportJson : JsonSerializerContext;
