using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Send;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Prometheus;

namespace LokiGateway.Shipper.Tests.Account;

/// <summary>The dead-letter file stays inside its bounds and keeps what it says.</summary>
public sealed class DeadLetterFileTests : IDisposable
{
    private readonly TempDirectory _directory = new("dead-letter");
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 23, 2, 0, 0, TimeSpan.Zero));
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly ShipperMetrics _metrics;

    public DeadLetterFileTests() => _metrics = new ShipperMetrics(_registry);

    private string Current => Path.Combine(_directory.Path, DeadLetterFile.FileName);

    private string Older => Current + ".1";

    public void Dispose() => _directory.Dispose();

    [Fact]
    [SupportedOSPlatform("linux")]
    public void Entry_IsOneLineOfJson_AndOnlyTheOwnerMayReadIt()
    {
        using (DeadLetterFile file = Open())
        {
            Assert.True(file.MayKeep());
            file.Keep(new RejectedEntry("ops", "{app=\"a\"}", 1_700_000_000_000_000_001, "GET \"/é\"\n"u8.ToArray(), 11, "too_far_behind", "400 entry …", 1));
            file.Keep(new RejectedEntry("ops", "", null, null, 0, "ignored", "400 …", 7));
        }
        string[] lines = File.ReadAllLines(Current);
        const string Refused = """
            {"at":"2026-11-23T02:00:00Z","tenant":"ops","reason":"too_far_behind","labels":"{app=\"a\"}",
            """;
        const string Entry = """
            "time":"2023-11-14T22:13:20.000000001Z","line":"GET \"/é\"\n","line_bytes":11,"entries":1,"answer":"400 entry …"}
            """;
        Assert.Equal(Refused + Entry, lines[0]);
        Assert.Equal("""{"at":"2026-11-23T02:00:00Z","tenant":"ops","reason":"ignored","labels":"","entries":7,"answer":"400 …"}""", lines[1]);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Current));
    }

    [Fact]
    public void BothFilesTogether_StayBelowTheBound_AndTheNewestEntriesAreThere()
    {
        const int BytesMax = 64 << 10;
        for (int run = 0; run < 10; run++)
        {
            using DeadLetterFile file = Open(BytesMax);
            for (int i = 0; i < 100; i++) file.Keep(Entry($"run {run} entry {i} {new string('x', 500)}"));
        }
        Assert.InRange(new FileInfo(Current).Length + new FileInfo(Older).Length, BytesMax / 4, BytesMax);
        Assert.Contains("run 9 entry 99 ", File.ReadAllLines(Current)[^1], StringComparison.Ordinal);
        foreach (string line in File.ReadAllLines(Older).Concat(File.ReadAllLines(Current))) JsonDocument.Parse(line).Dispose();
    }

    [Fact]
    public async Task MoreThanTheRate_IsSkippedAndCounted()
    {
        using (DeadLetterFile file = Open())
        {
            int kept = Enumerable.Range(0, 5000).Count(_ => file.MayKeep());
            Assert.Equal(DeadLetterFile.SamplesAtOnce, kept);
            _time.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal(2 * DeadLetterFile.SamplesPerSecond, Enumerable.Range(0, 5000).Count(_ => file.MayKeep()));
        }
        Assert.Equal(10_000 - DeadLetterFile.SamplesAtOnce - 2 * DeadLetterFile.SamplesPerSecond, await CountAsync("skipped"));
    }

    [Fact]
    public void LineThatACrashHasCut_DoesNotSpoilTheNextOne()
    {
        File.WriteAllText(Current, "{\"at\":\"2026-");
        using (DeadLetterFile file = Open()) file.Keep(Entry("after"));
        string[] lines = File.ReadAllLines(Current);
        Assert.Equal(2, lines.Length);
        Assert.Contains("\"after\"", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task DiskThatRefuses_IsCounted_AndTriedAgainWithTheNextEntry()
    {
        Directory.CreateDirectory(Current);
        using (DeadLetterFile file = Open())
        {
            file.Keep(Entry("lost"));
            await Eventually.TrueAsync(async () => await CountAsync("failed") == 1, "the failure to be counted");
            Directory.Delete(Current);
            file.Keep(Entry("kept"));
        }
        Assert.Contains("kept", Assert.Single(File.ReadAllLines(Current)), StringComparison.Ordinal);
        Assert.Equal(1, await CountAsync("written"));
    }

    [Theory]
    [InlineData(10, 10)]
    [InlineData(1024, 1024)]
    [InlineData(1025, 1024)]
    public void Sample_IsTheBeginningOfTheLine(int length, int expected) =>
        Assert.Equal(expected, RejectedEntry.SampleOf(Encoding.UTF8.GetBytes(new string('x', length))).Length);

    [Fact]
    public void Sample_IsNotCutWithinACharacter()
    {
        string cut = Encoding.UTF8.GetString(RejectedEntry.SampleOf(Encoding.UTF8.GetBytes("x" + new string('é', 1000))));
        Assert.Equal("x" + new string('é', 511), cut);
    }

    private DeadLetterFile Open(long bytesMax = 1 << 20) => new(_directory.Path, bytesMax, _metrics, NullLogger.Instance, _time);

    private static RejectedEntry Entry(string line) => new("ops", "{app=\"a\"}", 1, Encoding.UTF8.GetBytes(line), line.Length, "too_far_behind", "", 1);

    private async Task<double> CountAsync(string outcome)
    {
        using var page = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(page);
        return MetricsPage.Parse(Encoding.UTF8.GetString(page.ToArray())).Sum("loki_shipper_dead_letter_entries_total", ("outcome", outcome));
    }
}
