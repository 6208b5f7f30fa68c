// The answers to metric queries: matrix for a range, vector for an instant, scalar for a bare number.

using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace LokiGateway.LocalLoki.Query;

internal static class SamplesAnswer
{
    public static async Task WriteMatrixAsync(HttpContext context, List<Series> series, Points points, QueryStatistics statistics)
    {
        using JsonAnswer answer = new(context);
        Utf8JsonWriter json = Begin(answer, "matrix");
        json.WriteStartArray("result");
        foreach (Series one in series)
        {
            json.WriteStartObject();
            answer.WriteLabels("metric", one.Labels);
            json.WriteStartArray("values");
            for (int i = 0; i < one.Values.Length; i++)
            {
                if (double.IsNaN(one.Values[i])) continue;
                answer.WriteSample(points.Start + (i * points.Step), one.Values[i]);
                await answer.FlushWhenLargeAsync();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        await EndAsync(answer, statistics);
    }

    public static async Task WriteVectorAsync(HttpContext context, List<Series> series, long moment, QueryStatistics statistics)
    {
        using JsonAnswer answer = new(context);
        Utf8JsonWriter json = Begin(answer, "vector");
        json.WriteStartArray("result");
        foreach (Series one in series)
        {
            json.WriteStartObject();
            answer.WriteLabels("metric", one.Labels);
            json.WritePropertyName("value");
            answer.WriteSample(moment, one.Values[0]);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        await EndAsync(answer, statistics);
    }

    public static async Task WriteScalarAsync(HttpContext context, long moment, double value, QueryStatistics statistics)
    {
        using JsonAnswer answer = new(context);
        Utf8JsonWriter json = Begin(answer, "scalar");
        json.WritePropertyName("result");
        answer.WriteSample(moment, value);
        await EndAsync(answer, statistics);
    }

    private static Utf8JsonWriter Begin(JsonAnswer answer, string resultType)
    {
        answer.Json.WriteStartObject();
        answer.Json.WriteString("status", "success");
        answer.Json.WriteStartObject("data");
        answer.Json.WriteString("resultType", resultType);
        return answer.Json;
    }

    private static async Task EndAsync(JsonAnswer answer, QueryStatistics statistics)
    {
        statistics.Write(answer.Json);
        answer.Json.WriteEndObject();
        answer.Json.WriteEndObject();
        await answer.EndAsync();
    }
}
