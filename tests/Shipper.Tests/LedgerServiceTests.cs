// The books as others see them: reports at the gateway's door, the ledger stream beside the logs, and the page that explains every file.
using System.Net;
using System.Text.Json;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Account;
using LokiGateway.Testing;

namespace LokiGateway.Shipper.Tests;

public sealed class LedgerServiceTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(30);

    private static ShipperRig NewRig(FaultSink sink, bool toLoki = false, Func<ShipperOptions, ShipperOptions>? change = null) => new(sink, options =>
    {
        options = options with
        {
            Ledger = new LedgerOptions { Interval = Interval, ToLoki = toLoki },
            ExternalLabels = new Dictionary<string, string> { ["cluster"] = "prod" },
        };
        return change is null ? options : change(options);
    });

    private static ShipperReport[] Reports(FaultSink sink) => [.. sink.Reports.Select(static post =>
    {
        Assert.True(ShipperReport.TryParse(post.Body, out ShipperReport? report, out string? error), error);
        return report;
    })];

    [Fact]
    public async Task Reports_SayTheBooksOfEverySource_WithTheIdentityOfThePushes()
    {
        using var temp = new TempDirectory("ledger");
        string token = temp.Write("token", "s3cret");
        await using FaultSink sink = FaultSink.Start();
        sink.Default = SinkAnswer.TooFarBehind(static (stream, entry) => stream.Labels.Contains("web-1", StringComparison.Ordinal) && entry.Line.EndsWith('7'));
        await using ShipperRig rig = NewRig(sink, change: options => options with
        {
            Endpoint = options.Endpoint with { BearerTokenFile = token, TenantFrom = TenantFrom.Namespace },
        });
        rig.WritePod("web-1", ShipperRig.Lines(100));
        rig.WritePod("web-2", ShipperRig.Lines(50));
        rig.WritePod("db-1", ShipperRig.Lines(20), "data");
        rig.WriteRaw("syslog.log", "Nov 22 22:15:01 host one\n");
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        await rig.Shipper.StopAsync();

        Assert.All(sink.Reports, static post => Assert.Equal(
            ("POST", ShipperReport.Path, "Bearer s3cret", "application/json"),
            (post.Method, post.Path, post.Header("Authorization"), post.Header("Content-Type"))));
        Assert.Equal(["data", "ops", "shop"], sink.Reports.Select(static post => post.Tenant).Distinct().Order());
        ShipperReport last = Reports(sink).Single(static report =>
            report is { Last: true } && report.Sources.Any(static one => one.Source.StartsWith("shop", StringComparison.Ordinal)));
        Assert.Equal(("n1", "prod", 150, 140, 10, 0), (last.Node, last.Cluster, last.Total.Read, last.Total.Acked, last.Total.RejectedLines, last.Total.InFlight));
        Assert.Equal(
            [("shop/web-1/app", 100, 90, 10), ("shop/web-2/app", 50, 50, 0)],
            last.Sources.OrderBy(static one => one.Source).Select(static one => (one.Source, one.Read, one.Acked, one.RejectedLines)));
        Assert.Equal("too_far_behind", Assert.Single(last.Sources.First(static one => one.RejectedLines > 0).Rejected!).Key);
        Assert.Contains(Reports(sink), report => report.Sources.Any(source => source.Source == Path.Combine(rig.Logs, "syslog.log") && source.Acked == 1));
        // One tenant's numbers grow, and its last report is its last.
        foreach (IGrouping<string, PushReceived> tenant in sink.Reports.GroupBy(static post => post.Tenant))
        {
            ShipperReport[] reports =
                [.. tenant.Select(static post => ShipperReport.TryParse(post.Body, out ShipperReport? report, out _) ? report : throw new InvalidDataException())];
            Assert.Equal(reports.Select(static report => report.Sequence).Order().Distinct(), reports.Select(static report => report.Sequence));
            Assert.True(reports[^1].Last);
            Assert.Single(reports, static report => report.Last);
        }
    }

    [Fact]
    public async Task EndpointThatKnowsNoReports_IsAskedOnce_AndShippingGoesOn()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.ReportStatus = 404;
        await using ShipperRig rig = NewRig(sink);
        await rig.StartAsync();
        rig.WritePod("web-1", ShipperRig.Lines(10));
        await Eventually.Equal(1, () => sink.Reports.Count, "the first report");
        for (int i = 0; i < 5; i++)
        {
            rig.WritePod("web-1", [$"more {i}"], firstNanos: 100 + i, time: "02");
            Assert.True(await rig.DrainAsync());
        }
        await rig.Shipper.StopAsync();
        Assert.Equal((15, 1), (sink.StoredCount, sink.Reports.Count));
    }

    [Fact]
    public async Task ReportsThatFail_AreCounted_AndTheNextOnesSayItAll()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.ReportStatus = 503;
        await using ShipperRig rig = NewRig(sink, change: static options => options with { AdminListen = "127.0.0.1:0" });
        rig.WritePod("web-1", ShipperRig.Lines(10));
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        await Eventually.True(() => sink.Reports.Count >= 3, "reports to be tried again and again");
        using var http = new HttpClient();
        MetricsPage page = MetricsPage.Parse(await http.GetStringAsync(new Uri(rig.Shipper.AdminAddress!, "/metrics")));
        Assert.True(page.Sum("loki_shipper_ledger_reports_failed_total") >= 2);
        Assert.Equal(0, page.Sum("loki_shipper_ledger_reports_sent_total"));
        sink.ReportStatus = 204;
        int before = sink.Reports.Count;
        await Eventually.True(() => sink.Reports.Count > before + 1, "a report that is taken");
        Assert.Equal((10, 10), (Reports(sink)[^1].Total.Read, Reports(sink)[^1].Total.Acked));
    }

    [Fact]
    public async Task LedgerOff_MeansNoStampNoReportNoStream()
    {
        var stamps = new List<string?>();
        await using FaultSink sink = FaultSink.Start(push =>
        {
            lock (stamps) stamps.Add(push.Header(BatchStamp.HeaderName));
            return SinkAnswer.Ok;
        });
        await using ShipperRig rig = NewRig(sink, toLoki: true, options => options with { Ledger = options.Ledger with { Enabled = false } });
        rig.WritePod("web-1", ShipperRig.Lines(10));
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        await rig.Shipper.StopAsync();
        Assert.All(stamps, Assert.Null);
        Assert.Empty(sink.Reports);
        Assert.Empty(sink.StoredLedger);
    }

    [Fact]
    public async Task LedgerStream_SaysPerSourceAndMinute_WhatIsStored()
    {
        var ledgerPushes = new List<PushReceived>();
        await using FaultSink sink = FaultSink.Start(push =>
        {
            if (push.Decode().Streams.Any(static stream => stream.Labels.Contains(LedgerRecord.Job, StringComparison.Ordinal)))
                lock (ledgerPushes) ledgerPushes.Add(push);
            return SinkAnswer.TooFarBehind(static (stream, entry) => stream.Labels.Contains("web-2", StringComparison.Ordinal) && entry.Line.EndsWith('3'));
        });
        await using ShipperRig rig = NewRig(sink, toLoki: true);
        for (int minute = 15; minute < 19; minute++)
            for (int pod = 0; pod < 3; pod++) rig.WritePodAt($"web-{pod}", $"2026-11-22T22:{minute}", ShipperRig.Lines(20 + pod, $"minute {minute}"));
        // One entry of a minute that was over long ago.
        rig.WritePodAt("web-0", "2026-11-22T22:15", ["late"]);
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        await rig.Shipper.StopAsync();

        Assert.Empty(sink.Faults);
        Assert.All(sink.StoredLedger, static line => Assert.Equal(
            [("cluster", "prod"), ("job", "loki-shipper-ledger"), ("node", "n1")], LabelText.Parse(line.Labels)));
        Assert.Equal(LedgerAudit.Expected(sink), LedgerAudit.Said(sink));
        Assert.Equal(8, sink.StoredLedger.Select(LedgerAudit.Parse).Sum(static record => record.RejectedLines));
        // In pushes of their own, in nobody's books.
        Assert.NotEmpty(ledgerPushes);
        Assert.All(ledgerPushes, static push => Assert.Null(push.Header(BatchStamp.HeaderName)));
        Assert.All(ledgerPushes, static push => Assert.Single(push.Decode().Streams));
        ShipperTotals totals = rig.Shipper.Totals;
        Assert.Equal((253, 245, 8), (totals.ReadLines, totals.AckedLines, totals.RejectedLines));
    }

    [Fact]
    public async Task PositionsOfAnOlderSave_MakeLinesCountAgain_AndTheStreamStillAddsUp()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = NewRig(sink, toLoki: true);
        string checkpoint = Path.Combine(rig.Options.StateDirectory, "positions.ckpt");
        rig.WritePodAt("web-0", "2026-11-22T22:15", ShipperRig.Lines(30));
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        await rig.Shipper.StopAsync();
        byte[] older = await File.ReadAllBytesAsync(checkpoint);
        rig.WritePodAt("web-0", "2026-11-22T22:15", ShipperRig.Lines(30, "second"), firstNanos: 100);
        rig.WritePodAt("web-0", "2026-11-22T22:16", ShipperRig.Lines(30, "third"));
        await rig.RestartAsync();
        Assert.True(await rig.DrainAsync());
        await rig.Shipper.StopAsync();
        await File.WriteAllBytesAsync(checkpoint, older);
        await rig.RestartAsync();
        Assert.True(await rig.DrainAsync());
        await rig.Shipper.StopAsync();

        Assert.Equal(150, sink.StoredCount);
        Assert.Equal(90, sink.Distinct().Count);
        Assert.Equal(LedgerAudit.Expected(sink), LedgerAudit.Said(sink));
        Assert.True(sink.StoredLedger.Select(LedgerAudit.Parse).Sum(static record => record.Lines) > 90, "lines were counted again");
    }

    [Fact]
    public async Task StartsWhileStderrIsOverItsLimit_TheStreamStillAddsUp()
    {
        var limit = new StreamLimit("stderr");
        await using FaultSink sink = FaultSink.Start(limit.Answer);
        await using ShipperRig rig = NewRig(sink, toLoki: true);
        var log = new TwoStreams(rig.WritePod("web-0", []));
        await rig.StartAsync();
        for (int life = 0; life < 3; life++)
        {
            log.Write(200);
            await Eventually.Equal(log.Stdout.Count, () => sink.StoredCount, "the lines of stdout");
            await rig.RestartAsync();
        }
        limit.LetIn();
        Assert.True(await rig.DrainAsync());
        await rig.Shipper.StopAsync();

        Assert.Equal(600, sink.StoredCount);
        Assert.Equal(LedgerAudit.Expected(sink), LedgerAudit.Said(sink));
    }

    [Fact]
    public async Task RecordsThatCannotBeDelivered_AreOnDisk_AndGoOutAfterTheNextStart()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = NewRig(sink, toLoki: true);
        rig.WritePodAt("web-0", "2026-11-22T22:15", ShipperRig.Lines(30));
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        sink.Default = SinkAnswer.Refuse(503);
        sink.RefuseConnections();
        await rig.Shipper.StopAsync();
        Assert.Empty(sink.StoredLedger);
        Assert.Contains("shop/web-0/app", await File.ReadAllTextAsync(Path.Combine(rig.Options.StateDirectory, LedgerFile.Name)), StringComparison.Ordinal);

        sink.AcceptConnections();
        sink.Default = SinkAnswer.Ok;
        await rig.RestartAsync();
        await Eventually.True(() => sink.StoredLedger.Count > 0, "the record of the last run");
        Assert.Equal(LedgerAudit.Expected(sink), LedgerAudit.Said(sink));
        await rig.Shipper.StopAsync();
        Assert.DoesNotContain("shop/web-0/app", await File.ReadAllTextAsync(Path.Combine(rig.Options.StateDirectory, LedgerFile.Name)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FilesPage_ExplainsEveryFile_ReadOrNot()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = NewRig(sink, change: static options => options with { AdminListen = "127.0.0.1:0", ShutdownTimeout = TimeSpan.Zero });
        string web = rig.WritePod("web-1", ShipperRig.Lines(100));
        string syslog = rig.WriteRaw("syslog.log", "Nov 22 22:15:01 host one\n");
        string directory = Path.Combine(rig.Logs, "folder.log");
        Directory.CreateDirectory(directory);
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());

        JsonElement all = await FilesAsync(rig, "");
        Assert.Equal("n1", all.GetProperty("node").GetString());
        Assert.Equal(2, all.GetProperty("files_matched").GetInt32());
        JsonElement file = all.GetProperty("files").EnumerateArray().Single(one => one.GetProperty("path").GetString() == web);
        long length = new FileInfo(web).Length;
        Assert.Equal(
            ("shop/web-1/app", "ops", "live", "cri", length, length, length, 0L, 0L, false),
            (file.GetProperty("source").GetString(), file.GetProperty("tenant").GetString(), file.GetProperty("state").GetString(),
                file.GetProperty("format").GetString(), file.GetProperty("size").GetInt64(), file.GetProperty("read_offset").GetInt64(),
                file.GetProperty("acked_offset").GetInt64(), file.GetProperty("lag_bytes").GetInt64(), file.GetProperty("unacked_bytes").GetInt64(),
                file.GetProperty("done").GetBoolean()));
        Assert.Matches(@"^\d+:\d+/\d+#[0-9a-f]{16}$", file.GetProperty("identity").GetString());
        JsonElement skipped = Assert.Single(all.GetProperty("not_read").EnumerateArray().ToArray());
        Assert.Equal((directory, "is_directory"), (skipped.GetProperty("path").GetString(), skipped.GetProperty("reason").GetString()));

        Assert.Equal(syslog, Assert.Single((await FilesAsync(rig, "?path=sysl")).GetProperty("files").EnumerateArray().ToArray()).GetProperty("source").GetString());
        Assert.Equal((2, 1), Counts(await FilesAsync(rig, "?limit=1")));
        Assert.Equal((0, 0), Counts(await FilesAsync(rig, "?behind=true")));
        Assert.Equal((2, 0), Counts(await FilesAsync(rig, "?limit=0")));

        sink.Default = SinkAnswer.Refuse(401, "no org id\n");
        rig.WritePod("web-1", ["held"], time: "09");
        await Eventually.TrueAsync(async () =>
        {
            JsonElement behind = await FilesAsync(rig, "?behind=true&path=web-1");
            return behind.GetProperty("files").EnumerateArray().Any(static one =>
                one.GetProperty("unacked_bytes").GetInt64() > 0 && one.TryGetProperty("held_back_by", out JsonElement why) && why.GetString()!.Contains("401", StringComparison.Ordinal));
        }, "the file that waits for the endpoint, and why");
    }

    [Theory]
    [InlineData("?limit=-1", "limit")]
    [InlineData("?limit=many", "limit")]
    [InlineData("?behind=perhaps", "behind")]
    [InlineData("?paht=x", "paht")]
    public async Task FilesPage_RefusesWhatItDoesNotUnderstand_ByName(string query, string name)
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = NewRig(sink, change: static options => options with { AdminListen = "127.0.0.1:0" });
        await rig.StartAsync();
        using var http = new HttpClient();
        using HttpResponseMessage answer = await http.GetAsync(new Uri(rig.Shipper.AdminAddress!, FilesPage.Path + query));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.StartsWith(name + ":", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FilesPage_OfThousandsOfFiles_IsWrittenInPieces()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = NewRig(sink, change: static options => options with { AdminListen = "127.0.0.1:0" });
        for (int i = 0; i < 2000; i++) rig.WriteRaw($"{i:D4}.log", "");
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());
        using var http = new HttpClient();
        using HttpResponseMessage answer = await http.GetAsync(new Uri(rig.Shipper.AdminAddress!, FilesPage.Path), HttpCompletionOption.ResponseHeadersRead);
        // Nobody knew how long it would be when it began.
        Assert.Null(answer.Content.Headers.ContentLength);
        using JsonDocument page = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync());
        Assert.Equal((2000, 2000), Counts(page.RootElement));
    }

    private static (int Matched, int Listed) Counts(JsonElement page) =>
        (page.GetProperty("files_matched").GetInt32(), page.GetProperty("files").GetArrayLength());

    private static async Task<JsonElement> FilesAsync(ShipperRig rig, string query)
    {
        using var http = new HttpClient();
        using JsonDocument page = JsonDocument.Parse(await http.GetStringAsync(new Uri(rig.Shipper.AdminAddress!, FilesPage.Path + query)));
        return page.RootElement.Clone();
    }
}
