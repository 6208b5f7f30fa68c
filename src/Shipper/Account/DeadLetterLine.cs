using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using LokiGateway.Shipper.Send;

namespace LokiGateway.Shipper.Account;

/// <summary>One line of the dead-letter file: docs/formats/dead-letter.md.</summary>
internal sealed record DeadLetterLine(
    [property: JsonPropertyName("at")] DateTime At,
    [property: JsonPropertyName("tenant")] string Tenant,
    [property: JsonPropertyName("reason")] string Reason,
    [property: JsonPropertyName("labels")] string Labels,
    [property: JsonPropertyName("time"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Time,
    [property: JsonPropertyName("line"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Line,
    [property: JsonPropertyName("line_bytes"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? LineBytes,
    [property: JsonPropertyName("entries")] long Entries,
    [property: JsonPropertyName("answer"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Answer)
{
    public static DeadLetterLine Of(in RejectedEntry entry, DateTimeOffset at) => new(
        at.UtcDateTime, entry.Tenant, entry.Reason, entry.Labels, entry.UnixNanos is { } nanos ? Rfc3339(nanos) : null,
        entry.Line is null ? null : Encoding.UTF8.GetString(entry.Line), entry.Line is null ? null : entry.LineBytes, entry.Entries,
        entry.Answer.Length == 0 ? null : entry.Answer);

    private static string Rfc3339(long unixNanos)
    {
        long ticks = Math.DivRem(unixNanos, 100, out long rest);
        if (rest < 0) (ticks, rest) = (ticks - 1, rest + 100);
        return string.Create(CultureInfo.InvariantCulture, $"{DateTime.UnixEpoch.AddTicks(ticks):yyyy-MM-ddTHH:mm:ss.fffffff}{rest:D2}Z");
    }
}

[JsonSerializable(typeof(DeadLetterLine))]
internal sealed partial class DeadLetterJson : JsonSerializerContext;
