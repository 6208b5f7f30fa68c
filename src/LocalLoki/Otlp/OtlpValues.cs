using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LokiGateway.LocalLoki.Otlp;

/// <summary>Values as the collector's pdata prints them.</summary>
internal static class OtlpValues
{
    public static string Double(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    public static string Json(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> text = new();
        using (Utf8JsonWriter writer = new(text, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })) write(writer);
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }
}
