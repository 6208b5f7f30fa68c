// Writes Loki's JSON as it comes from the store, with a flush every quarter of a megabyte: 5000 lines of 256 KiB never stand in memory at once.

using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using LokiGateway.LocalLoki.LogQl;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.LocalLoki.Query;

internal sealed class JsonAnswer : IDisposable
{
    private const int FlushBytes = 256 * 1024;

    private readonly HttpContext context;

    public JsonAnswer(HttpContext context)
    {
        this.context = context;
        context.Response.ContentType = "application/json; charset=UTF-8";
        Json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,   // the reader is a JSON parser, never an HTML page
            SkipValidation = true,
        });
    }

    public Utf8JsonWriter Json { get; }

    public async ValueTask FlushWhenLargeAsync()
    {
        if (Json.BytesPending + context.Response.BodyWriter.UnflushedBytes < FlushBytes) return;
        await Json.FlushAsync(context.RequestAborted);
    }

    public async Task EndAsync()
    {
        Json.Flush();
        context.Response.BodyWriter.Write("\n"u8);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    public void Dispose() => Json.Dispose();

    /// <summary>A line as a JSON string. Bytes that are not UTF-8 become U+FFFD, as in Loki's answers.</summary>
    public void WriteLine(ReadOnlySpan<byte> line)
    {
        if (Utf8.IsValid(line)) Json.WriteStringValue(line);
        else Json.WriteStringValue(Encoding.UTF8.GetString(line));
    }

    public void WriteLabels(string property, ResultLabels labels)
    {
        Json.WriteStartObject(property);
        foreach ((string name, string value) in labels.Pairs) Json.WriteString(name, value);
        Json.WriteEndObject();
    }

    /// <summary><c>{"structuredMetadata": {…}}</c>, or <c>{}</c> when nothing is left of it.</summary>
    public void WriteMetadata(ReadOnlySpan<byte> metadata, IReadOnlyList<Stage> stages)
    {
        Json.WriteStartObject();
        ResultLabels labels = ResultLabels.OfMetadata(metadata, stages);
        if (labels.Pairs.Count > 0) WriteLabels("structuredMetadata", labels);
        Json.WriteEndObject();
    }

    /// <summary><c>[1435781430.781, "1.5"]</c>: seconds with the milliseconds they have, the value without an exponent.</summary>
    public void WriteSample(long unixNanos, double value)
    {
        long milliseconds = (unixNanos / 1_000_000) - (unixNanos % 1_000_000 < 0 ? 1 : 0);
        Json.WriteStartArray();
        Json.WriteNumberValue(milliseconds / 1000m);
        Json.WriteStringValue(FormatValue(value));
        Json.WriteEndArray();
    }

    /// <summary>Go's strconv.FormatFloat(value, 'f', -1, 64): the shortest digits that read back the same, never with an exponent.</summary>
    internal static string FormatValue(double value)
    {
        if (double.IsNaN(value)) return "NaN";
        if (double.IsInfinity(value)) return value > 0 ? "+Inf" : "-Inf";
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        int exponentAt = text.IndexOf('E', StringComparison.Ordinal);
        if (exponentAt < 0) return text;
        int exponent = int.Parse(text.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string sign = text[0] == '-' ? "-" : "";
        string mantissa = text[sign.Length..exponentAt];
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        int pointAt = (point < 0 ? mantissa.Length : point) + exponent;
        if (pointAt <= 0) return $"{sign}0.{new string('0', -pointAt)}{digits}";
        return pointAt >= digits.Length ? sign + digits.PadRight(pointAt, '0') : $"{sign}{digits[..pointAt]}.{digits[pointAt..]}";
    }
}
