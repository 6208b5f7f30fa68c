// Hands alerts to Alertmanager as Prometheus does: POST /api/v2/alerts. Only what is current: an alert about a day of last month would fire for ever.
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LokiGateway.Operations.Cost;

internal sealed class AlertmanagerClient(HttpClient http, Uri address, TimeProvider time)
{
    private const int AttemptsMax = 4;

    // Alertmanager resolves an alert by itself after this, unless the next run says it again: a day and a little, because bills come once a day.
    private static readonly TimeSpan ValidFor = TimeSpan.FromHours(26);

    /// <summary>How many were taken. Throws <see cref="CostException"/> when Alertmanager could not be told: an alert that nobody gets must not look like none.</summary>
    public async Task<int> PostAsync(IEnumerable<CostAlert> alerts, string currency, CancellationToken ct)
    {
        DateTimeOffset now = time.GetUtcNow();
        AlertPart[] current = [.. alerts.Where(static alert => alert.IsCurrent).Select(alert => ToPart(alert, currency, now))];
        if (current.Length == 0) return 0;
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(current, AlertmanagerJson.Default.AlertPartArray);
        var target = new Uri(address.ToString().TrimEnd('/') + "/api/v2/alerts");
        for (int attempt = 1; ; attempt++)
        {
            string trouble;
            try
            {
                using var content = new ByteArrayContent(body);
                content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
                using HttpResponseMessage answer = await http.PostAsync(target, content, ct);
                if (answer.IsSuccessStatusCode) return current.Length;
                trouble = $"answered {(int)answer.StatusCode} {await FirstLineAsync(answer, ct)}";
                if (answer.StatusCode is < HttpStatusCode.InternalServerError and not HttpStatusCode.TooManyRequests) attempt = AttemptsMax;
            }
            catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException && !ct.IsCancellationRequested)
            {
                trouble = failure.Message;
            }

            if (attempt >= AttemptsMax) throw new CostException($"{target}: the alerts could not be delivered: {trouble}");
            await Task.Delay(TimeSpan.FromMilliseconds(200 << attempt), time, ct);
        }
    }

    private static async Task<string> FirstLineAsync(HttpResponseMessage answer, CancellationToken ct)
    {
        string text = await answer.Content.ReadAsStringAsync(ct);
        string line = text.Split('\n')[0];
        return line.Length > 200 ? line[..200] : line;
    }

    private static AlertPart ToPart(CostAlert alert, string currency, DateTimeOffset now) => new(
        new Dictionary<string, string>
        {
            ["alertname"] = alert.Kind switch { "jump" => "LokiCostJump", "budget" => "LokiCostOverBudget", "budget_pace" => "LokiCostBudgetPace", _ => "LokiCostOverThreshold" },
            ["severity"] = "warning",
            ["component"] = alert.Component,
            ["cluster"] = alert.Cluster,
            ["period"] = CostNames.Of(alert.Period.Kind),
        },
        new Dictionary<string, string>
        {
            ["summary"] = alert.Message,
            ["cost"] = Money.Exact(alert.Cost),
            ["limit"] = Money.Exact(alert.Limit),
            ["currency"] = currency,
            ["of"] = alert.Period.Label,
        },
        now, now + ValidFor);

    internal sealed record AlertPart(
        Dictionary<string, string> Labels,
        Dictionary<string, string> Annotations,
        [property: JsonPropertyName("startsAt")] DateTimeOffset StartsAt,
        [property: JsonPropertyName("endsAt")] DateTimeOffset EndsAt);
}

/// <summary>Serialization without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(AlertmanagerClient.AlertPart[]))]
internal sealed partial class AlertmanagerJson : JsonSerializerContext;
