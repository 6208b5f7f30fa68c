// An OTLP export in the terms of a push, so that one set of limits and one set of books holds for both.
using LokiGateway.Gateway.Receive;
using LokiGateway.Protocol.Push;

namespace LokiGateway.Gateway.Inspect;

internal static class OtlpInspection
{
    /// <summary>
    /// Totals of an inflated OTLP body. A record is a line; its attributes become structured metadata, or labels, which Loki alone decides: they count as
    /// metadata. Streams are the resources, of which Loki makes one each.
    /// </summary>
    public static Refusal? TryRead(ReadOnlySpan<byte> body, PushFormat format, ref PushSummary summary)
    {
        string? error = null;
        OtlpLogs logs;
        if (format.Encoding == PushEncoding.OtlpJson) OtlpLogs.TryReadJson(body, out logs, out error);
        else if (OtlpLogs.TryRead(body, out logs) is var fault and not PushError.None) error = PushErrors.Text(fault);
        if (error is not null) return new Refusal(RefusalKind.BadRequest, error);
        summary.Streams = logs.Resources;
        summary.Entries = logs.Records;
        summary.LineBytes = logs.BodyBytes;
        summary.MetadataBytes = logs.AttributeBytes;
        summary.OldestUnixNanos = logs.OldestUnixNanos;
        summary.NewestUnixNanos = logs.NewestUnixNanos;
        return null;
    }
}
