// Promtail stopped in the middle of files; the shipper goes on at the next line, sends none twice and misses none.
using System.IO.Compression;
using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Migrate;
using LokiGateway.Testing;

namespace LokiGateway.Shipper.Tests.Migrate;

public sealed class PositionsConversionTests
{
    [Fact]
    public async Task HalfReadFiles_GoOnAtTheNextLine()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = new(sink);
        string pod = rig.WritePod("web-1", ShipperRig.Lines(100));
        string raw = rig.WriteRaw("app.log", string.Concat(ShipperRig.Lines(50, "raw").Select(static line => line + "\n")));
        string whole = rig.WriteRaw("read.log", "all of this was read\n");
        rig.WriteRaw("new.log", "promtail never saw this\n");
        long podAt = OffsetAfter(pod, 40), rawAt = OffsetAfter(raw, 20);

        (int code, string said) = Convert(rig, $"""
            positions:
              {pod}: "{podAt}"
              {raw}: "{rawAt}"
              {whole}: "{new FileInfo(whole).Length}"
            """);
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());

        Assert.Equal(0, code);
        Assert.Equal("3 files go on where Promtail stopped, 0 positions were left out\n", said);
        IEnumerable<string> expected = [.. ShipperRig.Lines(100).Skip(40), .. ShipperRig.Lines(50, "raw").Skip(20), "promtail never saw this"];
        Assert.Equal(expected.Order(StringComparer.Ordinal), sink.Stored().Select(static entry => entry.Line).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task OffsetsInTheMiddleOfAnEntry_AreMovedToItsBeginning()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = new(sink);
        string raw = rig.WriteRaw("app.log", "one\ntwo\nthree\n");
        string pod = rig.WritePod("web-1", ["first"]);
        long afterFirst = new FileInfo(pod).Length;
        File.AppendAllText(pod, "2026-11-22T22:15:02.000000000Z stdout P half \n2026-11-22T22:15:02.000000001Z stdout P and more \n");
        long afterParts = new FileInfo(pod).Length;
        File.AppendAllText(pod, "2026-11-22T22:15:02.000000002Z stdout F and the rest\n");

        (int code, string said) = Convert(rig, $"positions:\n  {raw}: \"6\"\n  {pod}: \"{afterParts}\"\n");
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());

        Assert.Equal(0, code);
        Assert.Contains($":2: {raw}: note: 6 is in the middle of an entry; it is read from 4", said, StringComparison.Ordinal);
        Assert.Contains($":3: {pod}: note: {afterParts} is in the middle of an entry; it is read from {afterFirst}", said, StringComparison.Ordinal);
        Assert.Equal(["half and more and the rest", "three", "two"], sink.Stored().Select(static entry => entry.Line).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task WhatDoesNotFitAnyMore_IsNamed_AndReadFromItsBeginning()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = new(sink);
        string shorter = rig.WriteRaw("rotated.log", "new content\n");
        string packed = rig.WriteRaw("old.log.gz", "");
        using (var gzip = new GZipStream(File.Create(packed), CompressionMode.Compress)) gzip.Write("x\n"u8);

        (int code, string said) = Convert(rig, $"""
            positions:
              cursor-journal: s=abc;i=1
              journal-system: s=def
              {shorter}: "9000"
              {shorter}.gone: "12"
              {packed}: "3"
              {shorter}.odd: "twelve"
            """);
        await rig.StartAsync();
        Assert.True(await rig.DrainAsync());

        Assert.Equal(2, code);
        string[] lines = said.TrimEnd().Split('\n');
        Assert.Collection(lines,
            static line => Assert.Contains(":2: cursor-journal: not carried over: is the cursor of a journal", line, StringComparison.Ordinal),
            static line => Assert.Contains(":3: journal-system: not carried over: is the cursor", line, StringComparison.Ordinal),
            line => Assert.Contains($":4: {shorter}: not carried over: has 12 bytes and Promtail was at 9000", line, StringComparison.Ordinal),
            static line => Assert.Contains(".gone: not carried over: there is no such file any more", line, StringComparison.Ordinal),
            static line => Assert.Contains("old.log.gz: not carried over: is compressed", line, StringComparison.Ordinal),
            static line => Assert.Contains("\"twelve\" is no offset", line, StringComparison.Ordinal),
            static line => Assert.Equal("0 files go on where Promtail stopped, 6 positions were left out", line));
        Assert.Contains("new content", sink.Stored().Select(static entry => entry.Line));
    }

    [Fact]
    public async Task PositionsThatAreThere_AreNotWrittenOver_UnlessForced()
    {
        await using FaultSink sink = FaultSink.Start();
        await using ShipperRig rig = new(sink);
        string raw = rig.WriteRaw("app.log", "one\ntwo\n");
        Assert.Equal(0, Convert(rig, $"positions:\n  {raw}: \"4\"\n").Code);
        IOException refused = Assert.Throws<IOException>(() => Convert(rig, $"positions:\n  {raw}: \"8\"\n"));
        Assert.Contains("has the positions of 1 files already; --force writes over them", refused.Message, StringComparison.Ordinal);

        Assert.Equal(0, Convert(rig, $"positions:\n  {raw}: \"8\"\n", force: true).Code);
        await rig.StartAsync();
        StateDirectoryException busy = Assert.Throws<StateDirectoryException>(() => Convert(rig, $"positions:\n  {raw}: \"0\"\n", force: true));
        Assert.Contains("is in use by another shipper", busy.Message, StringComparison.Ordinal);
        File.AppendAllText(raw, "three\n");
        Assert.True(await rig.DrainAsync());
        Assert.Equal(["three"], sink.Stored().Select(static entry => entry.Line));
    }

    private static (int Code, string Said) Convert(ShipperRig rig, string positions, bool force = false)
    {
        string file = Path.Combine(Path.GetDirectoryName(rig.Options.StateDirectory)!, "positions.yaml");
        File.WriteAllText(file, positions);
        using var said = new StringWriter { NewLine = "\n" };
        int code = PositionsConversion.Run(file, rig.Options.StateDirectory, force, TimeProvider.System, said);
        return (code, said.ToString());
    }

    private static long OffsetAfter(string file, int lines) => File.ReadLines(file).Take(lines).Sum(static line => line.Length + 1);
}
