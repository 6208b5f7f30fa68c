// The last proof of completeness: shipper, gateway and Loki as they are, lines that disappear behind their back, and lokiops as an operator runs it.
using System.Globalization;
using System.Text.Json;
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.EndToEnd.Tests.Stack;
using LokiGateway.Operations.Tests.Completeness;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class AuditTests(LokiStack stack) : IClassFixture<LokiStack>
{
    private static readonly DateTime Start = TimeProvider.System.GetUtcNow().UtcDateTime.Date.AddHours(TimeProvider.System.GetUtcNow().Hour - 2);

    [Fact]
    public async Task LinesThatDisappearFromLoki_AreNamedExactly_AndAKilledShipperIsLagAndNoLoss()
    {
        using var temp = new TempDirectory("audit");
        string root = temp.Folder("pods");
        string[] pods = [.. Enumerable.Range(0, 3).Select(pod => temp.File("pods", $"audit_web-{pod}_9f", "app", "0.log"))];
        for (int pod = 0; pod < pods.Length; pod++) Append(pods[pod], pod, 0, 40);
        var setup = new ShipperSetup(temp, $"{root}/*/*/*.log", new Uri(stack.Gateway, "/loki/api/v1/push"),
            extra: "external_labels: {cluster: test}\nledger: {interval: 1s}");
        await using (var shipper = await setup.StartReadyAsync())
        {
            await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), static books => books.Acked == 120, "120 lines acknowledged");
            // At the stop the ledger goes out, minutes that are not over included.
            shipper.Terminate();
            Assert.Equal(0, await shipper.WaitExitAsync());
        }

        using (JsonDocument whole = await AuditAsync(expectedCode: 0)) Assert.Equal(1, whole.RootElement.GetProperty("tenants")[0].GetProperty("ratio").GetDouble());

        string[] gone = [Text(0, 3), Text(0, 4), Text(1, 17), Text(2, 0), Text(2, 39), Text(0, 39), Text(0, 38), Text(0, 37)];
        Assert.Equal(gone.Length, StoredLines.Remove(stack.DataDirectory, "ops", gone));
        using (JsonDocument audit = await AuditAsync(expectedCode: 1))
        {
            JsonElement tenant = audit.RootElement.GetProperty("tenants")[0];
            Assert.Equal((120, 112, 8), (Number(tenant, "expected_lines"), Number(tenant, "present_lines"), Number(tenant, "missing_lines")));
            Assert.Equal(
                [("audit/web-2/app", 0, 1L), ("audit/web-0/app", 1, 1L), ("audit/web-0/app", 2, 1L), ("audit/web-1/app", 8, 1L), ("audit/web-0/app", 18, 1L), ("audit/web-0/app", 19, 2L), ("audit/web-2/app", 19, 1L)],
                tenant.GetProperty("unexplained").EnumerateArray().Select(static one => (
                    one.GetProperty("source").GetString()!, (int)(one.GetProperty("minute").GetDateTime() - Start).TotalMinutes, one.GetProperty("lines").GetInt64())));
            Assert.Empty(tenant.GetProperty("explained").EnumerateArray());
        }

        // More lines of later minutes, acknowledged; then kill -9 before their ledger is written.
        for (int pod = 0; pod < pods.Length; pod++) Append(pods[pod], pod, 40, 60);
        await using (var shipper = await setup.StartReadyAsync())
        {
            await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), static books => books.Acked == 60, "60 more lines acknowledged");
            await shipper.KillAsync();
        }
        using (JsonDocument audit = await AuditAsync(expectedCode: 1))
        {
            JsonElement tenant = audit.RootElement.GetProperty("tenants")[0];
            Assert.Equal((120, 8, 0, 60), (Number(tenant, "expected_lines"), Number(tenant, "missing_lines"), Number(tenant, "extra_lines"), Number(tenant, "ledger_behind_lines")));
            Assert.All(tenant.GetProperty("explained").EnumerateArray(), static one => Assert.Equal("ledger_behind", one.GetProperty("kind").GetString()));
            Assert.Equal("node-1", tenant.GetProperty("nodes")[0].GetProperty("node").GetString());
        }

        // Started again it says what it had not said, and sends again what it was not sure of: nothing is counted twice.
        await using (var shipper = await setup.StartReadyAsync())
        {
            await Eventually.ValueAsync(() => setup.MetricsAsync(), static page => page.Sum("loki_shipper_in_flight_lines") == 0, "nothing in flight");
            shipper.Terminate();
            Assert.Equal(0, await shipper.WaitExitAsync());
        }
        using (JsonDocument audit = await AuditAsync(expectedCode: 0))
        {
            JsonElement tenant = audit.RootElement.GetProperty("tenants")[0];
            Assert.Equal((180, 8, 0, 0), (Number(tenant, "expected_lines"), Number(tenant, "missing_lines"), Number(tenant, "extra_lines"), Number(tenant, "ledger_behind_lines")));
        }
    }

    private async Task<JsonDocument> AuditAsync(int expectedCode)
    {
        await using ChildProcess lokiops = ChildProcess.StartBuilt("lokiops", "completeness", $"--loki={stack.Gateway}", "--tenant=ops", "--from", $"{Start:yyyy-MM-dd'T'HH:mm:ss'Z'}",
            "--to", $"{Start.AddHours(1):yyyy-MM-dd'T'HH:mm:ss'Z'}", "--format=json");
        int code = await lokiops.WaitExitAsync();
        Assert.True(code == expectedCode, lokiops.Describe());
        return JsonDocument.Parse(lokiops.Stdout);
    }

    // Two lines a minute, the first of them on the minute.
    private static void Append(string path, int pod, int from, int to) => File.AppendAllLines(path, Enumerable.Range(from, to - from).Select(line =>
        $"{Start.AddSeconds(30 * line).ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'", CultureInfo.InvariantCulture)} stdout F {Text(pod, line)}"));

    private static string Text(int pod, int line) => $"pod {pod} line {line}";

    private static long Number(JsonElement of, string name) => of.GetProperty(name).GetInt64();
}
