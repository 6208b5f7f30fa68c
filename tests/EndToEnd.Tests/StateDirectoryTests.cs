// The state directory is the one thing of its own that the shipper needs. Wrong from the start: a clear error. Broken while it runs: the logs
// go on, and the worst that comes of it is a line sent twice.
using System.Text.Json;
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class StateDirectoryTests
{
    [Theory]
    [InlineData("below a file")]
    [InlineData("where nobody may write")]
    public async Task UnusableStateDirectory_IsAClearErrorAtStart(string how)
    {
        using var temp = new TempDirectory("state");
        await using var sink = FaultSink.Start();
        // /proc takes no new directory, not even from root.
        var state = how == "below a file" ? Path.Combine(temp.Write("file", "not a directory"), "state") : "/proc/loki-shipper";
        var setup = new ShipperSetup(temp, $"{temp.Path}/*.log", sink.PushUrl, stateDirectory: state);
        await using var shipper = setup.Start();
        Assert.Equal(1, await shipper.WaitExitAsync());
        Assert.Contains(state, shipper.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", shipper.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecondShipperOnTheSameStateDirectory_IsAClearErrorAtStart()
    {
        using var temp = new TempDirectory("state");
        await using var sink = FaultSink.Start();
        var setup = new ShipperSetup(temp, $"{temp.Path}/*.log", sink.PushUrl);
        await using var first = await setup.StartReadyAsync();
        using var other = new TempDirectory("state");
        await using var second = new ShipperSetup(other, $"{temp.Path}/*.log", sink.PushUrl, stateDirectory: setup.StateDirectory).Start();
        Assert.Equal(1, await second.WaitExitAsync());
        Assert.Contains(setup.StateDirectory, second.Stderr, StringComparison.Ordinal);
        Assert.False(first.HasExited);
    }

    public static TheoryData<string> Damages => ["empty", "foreign", "torn at the end", "torn at the start", "cut in half", "gone"];

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task DamagedCheckpoint_NeverStopsTheStartAndLosesNothing(string damage)
    {
        using var temp = new TempDirectory("state");
        await using var sink = FaultSink.Start();
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 11);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl);
        await using (var shipper = await setup.StartReadyAsync())
        {
            writer.Write(200, tearShare: 0);
            await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, "the first lines");
            shipper.Terminate();
            Assert.Equal(0, await shipper.WaitExitAsync());
        }
        Damage(setup.CheckpointFile, damage);
        writer.Write(200, tearShare: 0);
        await using (var shipper = await setup.StartReadyAsync())
        {
            await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, "every line once");
            shipper.Terminate();
            Assert.Equal(0, await shipper.WaitExitAsync());
        }
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task FullDisk_DoesNotStopShipping()
    {
        using var temp = new TempDirectory("state");
        var state = temp.Folder("state");
        using var disk = TinyDisk.TryMount(state, out var refused);
        if (disk is null) Assert.Skip($"A file system of 256 KiB cannot be mounted here: {refused}");
        await using var sink = FaultSink.Start();
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 12);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, stateDirectory: state);
        await using (var shipper = await setup.StartReadyAsync())
        {
            writer.Write(100, tearShare: 0);
            await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, "the lines before");
            disk.Fill();
            var before = (await setup.MetricsAsync()).Sum("loki_shipper_checkpoint_timestamp_seconds");
            for (var i = 0; i < 5; i++)
            {
                writer.Write(50, tearShare: 0);
                writer.Rotate();
            }
            await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, "the lines on the full disk");
            // The checkpoint was preallocated: rewriting it in place needs no new block.
            await Eventually.ValueAsync(setup.MetricsAsync, page => page.Sum("loki_shipper_checkpoint_timestamp_seconds") > before, "positions are still saved");
            Assert.Null((await Books.FetchAsync(setup.Admin)).Fault);
            await shipper.KillAsync();
        }
        var stored = sink.StoredCount;
        await using (var shipper = await setup.StartReadyAsync())
        {
            writer.Write(50, tearShare: 0);
            await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, "the lines after the restart");
            Assert.True(sink.StoredCount >= stored + 50);
            shipper.Terminate();
            Assert.Equal(0, await shipper.WaitExitAsync());
        }
    }

    [Fact]
    public async Task DiskFullFromTheStart_ShipsAndSaysSo()
    {
        using var temp = new TempDirectory("state");
        var state = temp.Folder("state");
        using var disk = TinyDisk.TryMount(state, out var refused);
        if (disk is null) Assert.Skip($"A file system of 256 KiB cannot be mounted here: {refused}");
        disk.Fill();
        await using var sink = FaultSink.Start();
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 13);
        writer.Write(100, tearShare: 0);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, stateDirectory: state);
        await using var shipper = setup.Start();
        await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), delivery => delivery.IsExact, "the lines");
        await shipper.WaitLineAsync(line => line.Contains("level=", StringComparison.Ordinal) && line.Contains(state, StringComparison.Ordinal),
            "a message that names the state directory");
        Assert.False(shipper.HasExited);
    }

    [Fact]
    public async Task DiskFull_DeadLettersAreCountedAsFailed_AndWrittenAgainWhenThereIsRoom()
    {
        using var temp = new TempDirectory("state");
        var state = temp.Folder("state");
        using var disk = TinyDisk.TryMount(state, out var refused);
        if (disk is null) Assert.Skip($"A file system of 256 KiB cannot be mounted here: {refused}");
        await using var sink = FaultSink.Start(static _ => SinkAnswer.Refuse(400, "a reason that nobody knows yet\n"));
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 14);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl, stateDirectory: state);
        await using var shipper = await setup.StartReadyAsync();
        await Eventually.ValueAsync(setup.MetricsAsync, page => page.Sum("loki_shipper_checkpoint_timestamp_seconds") > 0, "the first checkpoint");
        disk.Fill();
        writer.Write(20, tearShare: 0);
        await Eventually.ValueAsync(setup.MetricsAsync, page => page.Sum("loki_shipper_dead_letter_entries_total", ("outcome", "failed")) > 0, "samples that the disk refused");
        await shipper.WaitLineAsync(line => line.Contains("samples of refused entries could not be written", StringComparison.Ordinal), "a message that says so");

        disk.Free();
        writer.Write(20, tearShare: 0);
        await Eventually.ValueAsync(setup.MetricsAsync, page => page.Sum("loki_shipper_dead_letter_entries_total", ("outcome", "written")) > 0, "samples");
        var books = await Eventually.ValueAsync(() => Books.FetchAsync(setup.Admin), books => books is { InFlight: 0, Fault: null } && books.Read == writer.Count, "closed books");
        Assert.Equal(writer.Count, books.Rejected);
        var file = Path.Combine(state, "dead-letter.jsonl");
        Assert.All(await File.ReadAllLinesAsync(file), line => Assert.Contains("line=", JsonDocument.Parse(line).RootElement.GetProperty("line").GetString()));
        Assert.False(shipper.HasExited);
    }

    private static void Damage(string file, string how)
    {
        var bytes = File.ReadAllBytes(file);
        switch (how)
        {
            case "empty":
                File.WriteAllBytes(file, []);
                break;
            case "foreign":
                File.WriteAllText(file, string.Concat(Enumerable.Repeat("# this is somebody else's file\n", 500)));
                break;
            case "torn at the end":
                bytes.AsSpan(bytes.Length / 2).Fill(0xA5);
                File.WriteAllBytes(file, bytes);
                break;
            case "torn at the start":
                bytes.AsSpan(0, bytes.Length / 2).Fill(0xA5);
                File.WriteAllBytes(file, bytes);
                break;
            case "cut in half":
                File.WriteAllBytes(file, bytes[..(bytes.Length / 2)]);
                break;
            case "gone":
                File.Delete(file);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(how), how, "no such damage");
        }
    }
}
