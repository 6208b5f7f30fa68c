// What the gateway asks of a push besides decoding it: the rate limit once, the stream table for every stream.
using BenchmarkDotNet.Attributes;
using LokiGateway.Gateway.Admit;

namespace LokiGateway.Benchmarks.Micro;

public class GatewayBenchmarks
{
    private const int Streams = 100_000;

    private const int StreamsPerPush = 16;

    private readonly TokenBucket _bucket = new(1e15, 1L << 50, TimeProvider.System);
    private readonly StreamTable _table = new();
    private readonly ulong[] _hashes = new ulong[Streams];
    private readonly ulong[] _push = new ulong[StreamsPerPush];
    private int _next;

    public GatewayBenchmarks()
    {
        var random = new Random(1);
        for (int i = 0; i < Streams; i++) _hashes[i] = StreamTable.Key((ulong)random.NextInt64());
        _table.Admit([.. _hashes], minute: 1, limit: 0);
    }

    [Benchmark(Description = "TokenBucket.TryTake")]
    public bool TakeTokens() => _bucket.TryTake(1000, out _);

    [Benchmark(Description = "StreamTable.Admit, 16 of 100,000 known streams")]
    public int AdmitStreams()
    {
        _hashes.AsSpan(_next, StreamsPerPush).CopyTo(_push);
        _next = (_next + StreamsPerPush) % (Streams - StreamsPerPush);
        return _table.Admit(_push, minute: 1, limit: Streams);
    }
}
