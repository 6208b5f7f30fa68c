// The first command that a newcomer types has to end well on whatever lies in his /var/log.
using System.Text.Json;
using LokiGateway.EndToEnd.Tests.Stack;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class QuickstartTests
{
    [Fact]
    public async Task Once_EndsWithClosedBooksOnAMixedTree()
    {
        using var temp = new TempDirectory("quickstart");
        MakeTree(temp);
        await using var process = ChildProcess.StartBuilt("quickstart", temp.Path, "--once");
        Assert.True(await process.WaitExitAsync() == 0, process.Describe());
        using var json = JsonDocument.Parse(Assert.Single(process.Stdout.Split('\n')));
        long Field(string name) => json.RootElement.GetProperty(name).GetInt64();
        // What MakeTree says it wrote, and what is in no count must not be in this one.
        Assert.Equal(ReadableLines, Field("lines_read"));
        Assert.Equal((ReadableLines, ReadableLines, 0, 0), (Field("lines_acked"), Field("lines_stored"), Field("lines_rejected"), Field("lines_lost")));
        Assert.Equal(1.0, json.RootElement.GetProperty("completeness").GetDouble());
    }

    [Fact]
    public async Task Following_ALineAppendedIsReturnedByAQueryThroughTheGateway()
    {
        using var temp = new TempDirectory("quickstart");
        MakeTree(temp);
        var port = FreePort.Next();
        var gateway = new Uri($"http://127.0.0.1:{port}");
        using var data = new TempDirectory("quickstart-data");
        await using var process = ChildProcess.StartBuilt("quickstart", temp.Path, "--port", $"{port}", "--data", data.Path);
        await process.WaitLineAsync(line => line.Contains("curl", StringComparison.Ordinal), "the curl command to try");
        File.AppendAllText(temp.File("app.log"), $"{DateTime.UtcNow:yyyy-MM-ddTHH:mm:ss.fffZ} the needle {port}\n");
        // The command that it prints names the tenant; it is read from there, as a user would.
        var curl = await process.WaitLineAsync(line => line.Contains("X-Scope-OrgID", StringComparison.Ordinal), "the tenant");
        var tenant = curl.Split("X-Scope-OrgID:")[1].Trim().Split('\'', '"', ' ')[0];
        await Eventually.ValueAsync(() => LokiQuery.AllAsync(gateway, tenant, $"{{host=~\".+\"}} |= \"the needle {port}\""), found => found.Count == 1, "the line");
        process.Terminate();
        Assert.True(await process.WaitExitAsync() == 0, process.Describe());
    }

    private const int ReadableLines = 3 + 2 + 4 + 1;

    /// <summary>Container logs, docker logs, plain files with and without times, and what a log directory has beside logs.</summary>
    private static void MakeTree(TempDirectory temp)
    {
        var now = DateTime.UtcNow;
        string At(int second) => now.AddSeconds(second - 60).ToString("yyyy-MM-ddTHH:mm:ss.fffffff00Z");
        temp.Write("pods/default_web-0_11111111-0000-4000-8000-000000000000/app/0.log",
            $"{At(1)} stdout F first\n{At(2)} stdout P sec\n{At(3)} stdout F ond\n{At(4)} stderr F third\n");
        temp.Write("docker/abc-json.log", $$"""
            {"log":"one\n","stream":"stdout","time":"{{At(5)}}"}
            {"log":"two\n","stream":"stderr","time":"{{At(6)}}"}

            """);
        temp.Write("app.log", $"{At(7)} started\n{At(8)} failed\n  at Some.Stack()\n  at Other.Stack()\n");
        temp.Write("no-newline.log", "the last line of a file that nobody writes any more");
        temp.Write("empty.log", "");
        // Binary: what last and wtmp are. No .log ending, no lines.
        File.WriteAllBytes(temp.File("wtmp"), [.. Enumerable.Range(0, 4096).Select(i => (byte)(i % 7 == 0 ? 0 : i))]);
        temp.Folder("directory.log");
        var unreadable = temp.Write("unreadable.log", "root may read it, others not\n");
        File.Delete(unreadable);
        // A link to nowhere cannot be opened, not even by root.
        File.CreateSymbolicLink(unreadable, Path.Combine(temp.Path, "gone"));
    }
}
