// What to try once lines are there: a query that really returns some of them, whatever their age.

using System.Globalization;
using System.Text.Json;

namespace LokiGateway.Quickstart;

internal static class NextSteps
{
    private const string Header = "X-Scope-OrgID";

    /// <summary>The text to print.</summary>
    public static async Task<string> DescribeAsync(Trial trial, TrialDirectory directory, CancellationToken ct)
    {
        string selector = $"{{host=\"{Environment.MachineName}\"}}";
        DateTimeOffset? newest = await NewestAsync(trial.GatewayAddress, selector, ct);
        string range = newest is null ? "" : $" \\\n       --data-urlencode 'start={Rfc3339(newest.Value.AddHours(-1))}' --data-urlencode 'end={Rfc3339(newest.Value.AddSeconds(2))}'";
        string gateway = trial.GatewayAddress.ToString().TrimEnd('/');
        return $"""

            Try next, in another terminal:

              the newest lines, through the gateway as tenant {Trial.Tenant}:
                curl -sG {gateway}/loki/api/v1/query_range -H '{Header}: {Trial.Tenant}' \
                   --data-urlencode 'query={selector}' --data-urlencode 'limit=10'{range}

              Grafana: a Loki data source with URL {gateway} and the HTTP header {Header}: {Trial.Tenant}
              in a browser, what is lost or refused right now: {trial.GatewayAdminAddress}
              metrics: gateway {trial.GatewayAdminAddress}metrics   shipper {trial.ShipperAdminAddress}metrics
              your own logs: write to {gateway}/loki/api/v1/push with the same header

            Data and read positions are kept in {directory.Path}; a second start goes on from there, removing it starts over.
            New lines are followed. Ctrl-C ends with the final books.

            """;
    }

    // From the epoch on, the newest first: old logs are normal here.
    private static async Task<DateTimeOffset?> NewestAsync(Uri gateway, string selector, CancellationToken ct)
    {
        using HttpClient client = new() { BaseAddress = gateway };
        client.DefaultRequestHeaders.Add(Header, Trial.Tenant);
        using HttpResponseMessage answer = await client.GetAsync(
            $"/loki/api/v1/query_range?query={Uri.EscapeDataString(selector)}&start=0&end=9000000000000000000&limit=1&step=365d", ct);
        if (!answer.IsSuccessStatusCode) return null;
        using JsonDocument document = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(ct), default, ct);
        foreach (JsonElement stream in document.RootElement.GetProperty("data").GetProperty("result").EnumerateArray())
        {
            long nanos = long.Parse(stream.GetProperty("values")[0][0].GetString()!, CultureInfo.InvariantCulture);
            return DateTimeOffset.FromUnixTimeSeconds(nanos / 1_000_000_000);
        }
        return null;
    }

    private static string Rfc3339(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
