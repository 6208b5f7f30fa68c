// What every line and every push passes in src/Protocol. One operation is 1 MiB of push, so that nanoseconds divide into GB/s by eye.
using System.Buffers;
using BenchmarkDotNet.Attributes;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Benchmarks.Micro;

public class ProtocolBenchmarks
{
    private readonly byte[][] _messages = MicroInput.Messages(MicroInput.PushBytes);
    private readonly byte[] _entries = new byte[MicroInput.PushBytes * 2];
    private readonly byte[] _push = MicroInput.Push();
    private readonly byte[] _block = MicroInput.Compressed(MicroInput.Push());
    private readonly byte[] _plain = new byte[MicroInput.PushBytes * 2];
    private readonly byte[] _compressed = new byte[SnappyBlock.CompressedLengthMax(MicroInput.PushBytes * 2)];
    private readonly byte[] _labels = MicroInput.Labels(7);
    private readonly byte[] _json = MicroInput.Json();
    private readonly ArrayBufferWriter<byte> _protobuf = new(MicroInput.PushBytes * 2);

    [Benchmark(Description = "PushWriter.WriteEntry, 1 MiB of lines")]
    public int WriteEntries()
    {
        int length = 0;
        for (int i = 0; i < _messages.Length; i++)
            length += PushWriter.WriteEntry(_entries.AsSpan(length), MicroInput.StartUnixNanos + i, _messages[i]);
        return length;
    }

    [Benchmark(Description = "PushSummary.TryRead, 1 MiB push")]
    public int Summarise()
    {
        PushSummary summary = default;
        PushSummary.TryRead(_push, ref summary);
        return summary.Entries;
    }

    [Benchmark(Description = "SnappyBlock.Compress, 1 MiB push")]
    public int Compress() => SnappyBlock.Compress(_push, _compressed);

    [Benchmark(Description = "SnappyBlock.TryDecode, 1 MiB push")]
    public int Decode()
    {
        SnappyBlock.TryDecode(_block, _plain.AsSpan(0, _push.Length), out int written);
        return written;
    }

    [Benchmark(Description = "PushJson.TryToProtobuf, 1 MiB of lines")]
    public int ConvertJson()
    {
        _protobuf.ResetWrittenCount();
        return PushJson.TryToProtobuf(_json, PushJsonVersion.V1, _protobuf, out _) ? _protobuf.WrittenCount : 0;
    }

    [Benchmark(Description = "LabelText.TryHashCanonical, 7 labels")]
    public ulong HashLabels()
    {
        LabelText.TryHashCanonical(_labels, out ulong hash);
        return hash;
    }

    [Benchmark(Description = "LabelSet.TryParse, 7 labels")]
    public ulong ParseLabels() => LabelSet.TryParse(_labels, out LabelSet? labels, out _) ? labels.Hash : 0;
}
