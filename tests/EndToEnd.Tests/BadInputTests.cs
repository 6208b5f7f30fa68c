// What lies in real log directories beside well-formed lines. Nothing of it may stop the shipper, cost a line of another file, or be silent.
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class BadInputTests
{
    private const int MiB = 1024 * 1024;

    [Fact]
    public async Task HundredMegabyteLine_FlowsThroughInBoundedMemory()
    {
        using var temp = new TempDirectory("input");
        await using var sink = FaultSink.Start();
        var file = temp.File("logs", "huge.log");
        await using (var stream = File.Create(file))
        {
            stream.Write("before\n"u8);
            var part = new byte[MiB];
            Array.Fill(part, (byte)'x');
            for (var i = 0; i < 100; i++) stream.Write(part);
            stream.Write("\nafter\n"u8);
        }
        var setup = new ShipperSetup(temp, $"{temp.Path}/logs/*.log", sink.PushUrl, source: "format: raw");
        await using var shipper = await setup.StartReadyAsync();
        await Eventually.Equal(3, () => sink.StoredCount, "the three lines", TimeSpan.FromSeconds(60));
        var lines = sink.Stored().Select(entry => entry.Line).ToList();
        Assert.Equal(("before", "after"), (lines[0], lines[2]));
        // Loki takes 256 KiB, mark included.
        Assert.InRange(Encoding.UTF8.GetByteCount(lines[1]), 200_000, 262_144);
        Assert.StartsWith(new string('x', 200_000), lines[1], StringComparison.Ordinal);
        // The runtime that compiles as it runs takes about 90 MB by itself; a line held whole would add 100 to 200.
        Assert.True(shipper.ResidentBytes < 180L * MiB, $"{shipper.ResidentBytes / MiB} MiB");
        Assert.Null((await Books.FetchAsync(setup.Admin)).Fault);
    }

    [Fact]
    public async Task BytesThatAreNoText_AreShippedAsWellAsTheyCanBe()
    {
        using var temp = new TempDirectory("input");
        await using var sink = FaultSink.Start();
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 51);
        writer.Write(5, tearShare: 0);
        var time = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffffff00Z");
        writer.WriteRaw([.. Encoding.ASCII.GetBytes($"{time} stdout F nul: "), 0, .. " invalid: "u8, 0xff, 0xc3, .. " end\n"u8]);
        writer.WriteRaw("this line is not CRI\n"u8);
        writer.WriteRaw(Encoding.ASCII.GetBytes($"{time} stdout X neither P nor F\n{time} stdfoo F no such stream\n{time}\n\n"));
        writer.Write(5, tearShare: 0);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl);
        await using var shipper = await setup.StartReadyAsync();
        await Eventually.True(() => sink.Stored().Count(entry => entry.Line.StartsWith("line=", StringComparison.Ordinal)) == writer.Count, "the lines around");
        var lines = sink.Stored().Select(entry => entry.Line).ToList();
        Assert.Contains(lines, line => line.StartsWith("nul: \0 invalid: \ufffd", StringComparison.Ordinal) && line.EndsWith(" end", StringComparison.Ordinal));
        Assert.Contains("this line is not CRI", lines);
        Assert.Contains(lines, line => line.Contains("neither P nor F", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("no such stream", StringComparison.Ordinal));
        var metrics = await setup.MetricsAsync();
        Assert.True(metrics.Sum("loki_shipper_frame_errors_total") >= 3, metrics.Text);
        Assert.Null(Books.From(metrics).Fault);
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task WhatIsNoReadableFile_IsPassedOver()
    {
        using var temp = new TempDirectory("input");
        await using var sink = FaultSink.Start();
        temp.Write("logs/good.log", "good\n");
        temp.Folder("logs", "directory.log");
        // Nobody can open a link to nowhere, not even root.
        File.CreateSymbolicLink(temp.File("logs", "dangling.log"), Path.Combine(temp.Path, "nowhere"));
        File.CreateSymbolicLink(temp.File("logs", "loop.log"), temp.File("logs", "loop.log"));
        using (var fifo = Process.Start("mkfifo", temp.File("logs", "fifo.log")))
        {
            await fifo.WaitForExitAsync();
            Assert.Equal(0, fifo.ExitCode);
        }
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(temp.File("logs", "socket.log")));
        temp.Write("logs/empty.log", "");
        var setup = new ShipperSetup(temp, $"{temp.Path}/logs/*.log", sink.PushUrl);
        await using var shipper = await setup.StartReadyAsync();
        await Eventually.Equal(1, () => sink.StoredCount, "the line of the good file");
        // It still finds what comes later, so none of them holds it up.
        temp.Write("logs/later.log", "later\n");
        await Eventually.Equal(2, () => sink.StoredCount, "the line of the later file");
        shipper.Terminate();
        Assert.Equal(0, await shipper.WaitExitAsync());
    }

    [Fact]
    public async Task FileDeletedBeforeItWasRead_IsReadToItsEnd()
    {
        using var temp = new TempDirectory("input");
        await using var sink = FaultSink.Start();
        sink.Default = SinkAnswer.Refuse(503);
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 52);
        writer.Write(50, tearShare: 0);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, "min_backoff: 20ms\nmax_backoff: 100ms");
        await using var shipper = setup.Start();
        await Eventually.True(() => sink.Requests > 0, "the file was found");
        writer.Write(500, tearShare: 0);
        writer.DeleteAll();
        sink.Default = SinkAnswer.Ok;
        await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, "every line once");
        var books = await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), seen => seen.Acked == writer.Count, "all acknowledged");
        Assert.Null(books.Fault);
        await Eventually.ValueAsync(setup.MetricsAsync, page => page.Sum("loki_shipper_files_active") == 0, "the deleted file is closed");
    }

    [Fact]
    public async Task FileTruncatedInPlace_IsReadAgainFromItsStart()
    {
        using var temp = new TempDirectory("input");
        await using var sink = FaultSink.Start();
        var file = temp.Write("logs/app.log", "");
        var setup = new ShipperSetup(temp, $"{temp.Path}/logs/*.log", sink.PushUrl, source: "format: raw");
        await using var shipper = await setup.StartReadyAsync();
        List<string> written = [];
        for (var round = 0; round < 4; round++)
        {
            using (var stream = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            {
                // logrotate's copytruncate: the inode stays. Longer and shorter than before in turn.
                stream.SetLength(0);
                for (var i = 0; i < (round % 2 == 0 ? 20 : 60); i++)
                {
                    var line = $"round {round} line {i} {new string('y', 20)}";
                    written.Add(line);
                    stream.Write(Encoding.ASCII.GetBytes(line + "\n"));
                }
            }
            await Eventually.Value(() => Delivery.Compare(written, sink.Stored()), delivery => delivery.IsExact, $"the lines of round {round}");
        }
        Assert.Equal(written.Count, sink.StoredCount);
    }
}
