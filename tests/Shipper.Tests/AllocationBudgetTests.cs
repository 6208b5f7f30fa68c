// "No allocation per line in Tail..Batch" is a promise of the design (docs/ARCHITECTURE.md, section 8): every operation of the shipper that
// benchmarks/budgets.json names is run here and what it allocates is counted.
using System.Text;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Snappy;
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Frame;
using LokiGateway.Testing;

namespace LokiGateway.Shipper.Tests;

public sealed class AllocationBudgetTests
{
    private const string Prefix = "Shipper.";

    private const int BatchBytesMax = 1 << 20;

    private const int AttemptsMax = 10;

    private const int LineBytesMax = 256 << 10;

    private static readonly Dictionary<string, Func<double>> Operations = new()
    {
        ["Shipper.Frame and batch a CRI line"] = () => PerLine(SourceFormat.Cri, i =>
            $"2026-11-22T22:15:{i / 1000 % 60:00}.{i:000000000}Z {(i % 7 == 0 ? "stderr" : "stdout")} F level=info msg=\"a line\" n={i}"),
        ["Shipper.Frame and batch a docker line"] = () => PerLine(SourceFormat.Docker, i =>
            $$"""{"log":"level=info msg=\"a line\" n={{i}}\n","stream":"stdout","time":"2026-11-22T22:15:01.{{i:000000000}}Z"}"""),
        ["Shipper.Frame and batch a raw line"] = () => PerLine(SourceFormat.Raw, i =>
            $"2026-11-22T22:15:{i / 1000 % 60:00}.{i % 1000:000}Z host app[1]: a line of an ordinary file, n={i}"),
        ["Shipper.Frame, redact and batch a CRI line"] = () => PerLine(SourceFormat.Cri, i =>
            $"2026-11-22T22:15:{i / 1000 % 60:00}.{i:000000000}Z stdout F level=info msg=\"a line\" {(i % 3 == 0 ? "token=abcd" : "")} n={i}",
            () => LineStages.Of(null, [new("token=[a-z]+", "token=***")], LineBytesMax)),
        ["Shipper.Frame, join and batch two CRI lines"] = () => PerLine(SourceFormat.Cri, i =>
            $"2026-11-22T22:15:{i / 1000 % 60:00}.{i:000000000}Z stdout F {(i % 2 == 0 ? "" : "  at ")}level=info msg=\"a line\" n={i}",
            () => LineStages.Of(new MultiLineOptions { FirstLine = @"^\S" }, [], LineBytesMax)),
        ["Shipper.Seal a full batch"] = MeasureSeal,
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

    private static Dictionary<string, long> ReadBudgets() => Allocations.Budgets(Prefix);

    /// <summary>What a chunk of twice as many lines allocates more, divided by the lines: what a batch costs once falls out.</summary>
    private static double PerLine(SourceFormat format, Func<int, string> line, Func<LineStages?>? stages = null)
    {
        const int few = 2000, many = 4000;
        double least = double.MaxValue;
        // On a busy machine it takes the compiler a while to come round to this code, and unoptimised code allocates what the program never does. What
        // a line really costs is there however often it is measured.
        for (int attempt = 0; attempt < AttemptsMax && least > 0; attempt++)
        {
            double more = MeasureChunk(format, line, many, stages?.Invoke()) - MeasureChunk(format, line, few, stages?.Invoke());
            least = Math.Min(least, Math.Max(0, more / (many - few)));
        }
        return least;
    }

    private static double MeasureChunk(SourceFormat format, Func<int, string> line, int lines, LineStages? stages)
    {
        byte[] chunk = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, lines).Select(i => line(i) + "\n")));
        var framer = new LineFramer(LineBytesMax, TimeZoneInfo.Utc);
        var file = new FileFraming(format, RawTimestamp.Auto, fileSalt: 1, default)
        {
            Stages = stages,
            MultiLine = stages?.MultiLine is null ? null : new MultiLineFile(),
        };
        var builder = new BatchBuilder(NewBuffers(), BatchBytesMax);
        byte[] block = new byte[BatchSealer.BufferBytesMax(BatchBytesMax, LineBytesMax)];
        byte[] scratch = new byte[SnappyBlockWriter.ScratchBytes];
        var sink = new StreamSink(builder);
        // Sealing has a budget of its own.
        return Allocations.LeastPerCall(() =>
        {
            FrameResult result = framer.Frame(file, chunk, offset: 0, ChunkEnd.Open, readNanos: 1, ref sink);
            Assert.Equal(chunk.Length, result.Consumed);
            Assert.InRange(builder.Lines, stages?.MultiLine is null ? lines : lines / 2 - 1, lines);
            return true;
        }, () => builder.Seal(block, scratch, out _, out _));
    }

    private static double MeasureSeal()
    {
        byte[] line = Encoding.ASCII.GetBytes(new string('x', 150));
        BatchBuffers buffers = NewBuffers();
        var builder = new BatchBuilder(buffers, BatchBytesMax);
        var sealer = new BatchSealer(buffers, BatchBytesMax, LineBytesMax);
        var sink = new StreamSink(builder);
        return Allocations.LeastPerCall(() =>
        {
            // The shortest runs: what can be compressed where it lies costs fewer calls of the compressor.
            for (int i = 0; sink.TryAdd(i % 2 == 0 ? LineStream.Stdout : LineStream.Stderr, 1_795_382_395_339_749_345, line); i++)
            {
            }
            Assert.True(builder.IsFull);
            SealedBatch batch = sealer.Seal(builder, sequence: 1);
            buffers.Return(batch.Buffer);
            return true;
        });
    }

    private static BatchBuffers NewBuffers() => new(32 << 20, BatchSealer.BufferBytesMax(BatchBytesMax, LineBytesMax));

    /// <summary>As the pipeline's own sink: two streams of one container, no metadata.</summary>
    private readonly struct StreamSink(BatchBuilder builder) : IEntrySink
    {
        private readonly BatchStream _stdout = new(LabelSet.Of([new("app", "a"), new("stream", "stdout")]));
        private readonly BatchStream _stderr = new(LabelSet.Of([new("app", "a"), new("stream", "stderr")]));

        public bool TryAdd(LineStream stream, long unixNanos, ReadOnlySpan<byte> line) =>
            builder.TryAdd(stream == LineStream.Stdout ? _stdout : _stderr, unixNanos, line, default);
    }
}
