// Keeps the hot paths free of garbage: every operation of Protocol that benchmarks/budgets.json names is run and its allocation counted.
using System.Buffers;
using System.Text;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;
using Allocations = LokiGateway.Testing.Allocations;

namespace LokiGateway.Protocol.Tests;

public sealed class AllocationBudgetTests
{
    private static readonly byte[] Labels = "{app=\"a\", env=\"prod\", pod=\"a-7c9d6b5f4d-x2x9z\"}"u8.ToArray();
    private static readonly byte[] Line = Encoding.ASCII.GetBytes(new string('x', 165));
    // One resource, scope and record: body "hello", attribute k=v.
    private static readonly byte[] Otlp = Convert.FromHexString("0A20121E121C0901000000000000002A070A0568656C6C6F32080A016B12030A0176");
    private static readonly byte[] OtlpJson =
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"1\",\"body\":{\"stringValue\":\"a\\nb\"}}]}]}]}"u8.ToArray();
    private static readonly byte[] Request = MakeRequest(1000);
    private static readonly byte[] Block = Compress(Request);

    private static readonly Dictionary<string, Func<double>> Operations = new()
    {
        ["Protocol.BatchStamp.TryParse"] = () => Allocations.LeastPerCall(() => BatchStamp.TryParse("node=a-1;epoch=1;seq=2;lines=3;read=4;acked=5;lost=6", out _)),
        ["Protocol.LabelText.TryHashCanonical"] = () => Allocations.LeastPerCall(() => LabelText.TryHashCanonical(Labels, out _)),
        ["Protocol.OtlpLogs.TryRead"] = () => Allocations.LeastPerCall(() => OtlpLogs.TryRead(Otlp, out var logs) == PushError.None && logs.Records == 1),
        ["Protocol.OtlpLogs.TryReadJson"] = () => Allocations.LeastPerCall(() => OtlpLogs.TryReadJson(OtlpJson, out var logs, out _) && logs.Records == 1),
        ["Protocol.PushJson.V0 per entry"] = () => PerEntry(PushJsonVersion.V0),
        ["Protocol.PushJson.V1 per entry"] = () => PerEntry(PushJsonVersion.V1),
        ["Protocol.PushJson.V1 per request"] = () => MeasureJson(MakeJson(PushJsonVersion.V1, 1000), PushJsonVersion.V1),
        ["Protocol.PushReader per request"] = () => Allocations.LeastPerCall(() => Walk(Request)),
        ["Protocol.PushSummary per request"] = () => Allocations.LeastPerCall(() => Summarise(Request)),
        ["Protocol.PushWriter.WriteEntry"] = MeasureWriteEntry,
        ["Protocol.SnappyBlock.Compress"] = MeasureCompress,
        ["Protocol.SnappyBlock.TryDecode"] = MeasureDecode,
    };

    public static TheoryData<string> Budgets() => [.. ReadBudgets().Keys];

    [Theory]
    [MemberData(nameof(Budgets))]
    public void Operation_StaysInItsBudget(string operation)
    {
        Assert.True(Operations.ContainsKey(operation), $"nothing measures {operation}");
        Assert.InRange(Operations[operation](), 0, ReadBudgets()[operation]);
    }

    [Fact]
    public void EveryMeasuredOperation_HasABudget() => Assert.Equal(Operations.Keys.Order(), ReadBudgets().Keys.Order());

    private static Dictionary<string, long> ReadBudgets() => Allocations.Budgets("Protocol.");

    private static double PerEntry(PushJsonVersion version) => Math.Max(
        0, (MeasureJson(MakeJson(version, 2000), version) - MeasureJson(MakeJson(version, 1000), version)) / 1000);

    private static double MeasureJson(byte[] json, PushJsonVersion version)
    {
        var output = new ArrayBufferWriter<byte>(1 << 20);
        return Allocations.LeastPerCall(() =>
        {
            output.ResetWrittenCount();
            return PushJson.TryToProtobuf(json, version, output, out _);
        });
    }

    private static double MeasureWriteEntry()
    {
        var destination = new byte[PushWriter.EntryLengthMax(Line.Length)];
        return Allocations.LeastPerCall(() => PushWriter.WriteEntry(destination, 1_795_382_395_339_749_345, Line) > 0);
    }

    private static double MeasureCompress()
    {
        var output = new byte[SnappyBlock.CompressedLengthMax(Request.Length)];
        return Allocations.LeastPerCall(() => SnappyBlock.Compress(Request, output) > 0);
    }

    private static double MeasureDecode()
    {
        var output = new byte[Request.Length];
        return Allocations.LeastPerCall(() => SnappyBlock.TryReadLength(Block, output.Length, out _) == SnappyError.None
            && SnappyBlock.TryDecode(Block, output, out _) == SnappyError.None);
    }

    private static bool Summarise(byte[] request)
    {
        PushSummary summary = default;
        return PushSummary.TryRead(request, ref summary) == PushError.None && summary.Entries == 1000;
    }

    private static bool Walk(byte[] request)
    {
        var entries = 0;
        var reader = new PushReader(request);
        while (reader.TryReadStream(out var stream))
        {
            var walk = stream.Entries();
            while (walk.TryReadEntry(out var entry))
            {
                var metadata = entry.Metadata();
                while (metadata.TryRead(out _, out _))
                    entries++;
            }
        }

        return entries == 500 && reader.Error == PushError.None;
    }

    private static byte[] MakeRequest(int count)
    {
        var entries = new ArrayBufferWriter<byte>();
        var metadata = new byte[64];
        var metadataLength = PushWriter.WriteMetadataPair(metadata, "trace_id"u8, "0123456789abcdef"u8);
        for (var i = 0; i < count; i++)
        {
            var pair = i % 2 == 0 ? metadata.AsSpan(0, metadataLength) : default;
            var span = entries.GetSpan(PushWriter.EntryLengthMax(Line.Length, pair.Length));
            entries.Advance(PushWriter.WriteEntry(span, 1_795_382_395_339_749_345 + i, Line, pair));
        }

        var header = new byte[PushWriter.StreamHeaderLength(Labels.Length, entries.WrittenCount)];
        PushWriter.WriteStreamHeader(header, Labels, entries.WrittenCount);
        return [.. header, .. entries.WrittenSpan];
    }

    private static byte[] MakeJson(PushJsonVersion version, int count) => Encoding.UTF8.GetBytes(version == PushJsonVersion.V1
        ? "{\"streams\":[{\"stream\":{\"app\":\"a\"},\"values\":[" + string.Join(',', Enumerable.Range(0, count).Select(i =>
            $"[\"{1_795_382_395_339_749_345 + i}\",\"a line\\twith an escape\",{{\"trace_id\":\"abc\"}}]")) + "]}]}"
        : "{\"streams\":[{\"labels\":\"{app=\\\"a\\\"}\",\"entries\":[" + string.Join(',', Enumerable.Range(0, count).Select(i =>
            $"{{\"ts\":\"2026-11-22T10:00:00.{i:D9}Z\",\"line\":\"a line\\twith an escape\"}}")) + "]}]}");

    private static byte[] Compress(byte[] input)
    {
        var output = new byte[SnappyBlock.CompressedLengthMax(input.Length)];
        return output[..SnappyBlock.Compress(input, output)];
    }
}
