// "No allocation per entry" is a promise of the design (docs/ARCHITECTURE.md, section 8): every operation of the gateway that
// benchmarks/budgets.json names is run here and what it allocates is counted.
using System.Text;
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Receive;
using LokiGateway.Hosting.Limits;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.Gateway.Tests;

public sealed class AllocationBudgetTests : IAsyncLifetime
{
    private const string Prefix = "Gateway.";


    private const int StreamsPerPush = 16;

    private static readonly TenantLimits Unlimited =
        new() { IngestionRateMb = 1e6, IngestionBurstSizeMb = 1e6, MaxGlobalStreamsPerUser = 100_000 };

    private readonly BodyMemory _memory = new(64 << 20);
    private readonly RuntimeLimits _limits =
        new(Unlimited, null, TimeSpan.FromMinutes(1), TimeProvider.System, NullLogger.Instance, registry: null, "test_");
    private readonly Tenants _tenants;
    private readonly PushDecoder _decoder;
    private readonly Admission _admission;
    private readonly Tenant _tenant;
    private readonly Dictionary<string, Func<double>> _operations;

    public AllocationBudgetTests()
    {
        _tenants = new Tenants(_limits, new GatewayMetrics(Metrics.NewCustomRegistry()), replicas: 1, TimeProvider.System);
        _decoder = new PushDecoder(new RequestBounds(), _memory);
        _admission = new Admission(_memory, _tenants, ByteCounting.Lines, TimeProvider.System, NullLogger.Instance);
        _tenant = _tenants.Find("tenant-a")!;
        var table = new StreamTable();
        ulong[] hashes = [.. Enumerable.Range(1, StreamsPerPush).Select(i => StreamTable.Key((ulong)i * 0x9E3779B97F4A7C15))];
        var bucket = new TokenBucket(1e15, 1L << 50, TimeProvider.System);
        _operations = new Dictionary<string, Func<double>>
        {
            ["Gateway.Inspect and admit per entry"] = () => Math.Max(0, (MeasurePush(entries: 4000) - MeasurePush(entries: 2000)) / 2000),
            ["Gateway.Inspect and admit per request"] = () => MeasurePush(entries: 2000),
            ["Gateway.StreamTable.Admit of known streams"] = () => Allocations.LeastPerCall(() => table.Admit(hashes, minute: 1, limit: 100) == 0),
            ["Gateway.TokenBucket.TryTake"] = () => Allocations.LeastPerCall(() => bucket.TryTake(1000, out _)),
        };
    }

    public static TheoryData<string> Budgets() => [.. ReadBudgets().Keys];

    [Theory]
    [MemberData(nameof(Budgets))]
    public void Operation_StaysInItsBudget(string operation)
    {
        Assert.True(_operations.ContainsKey(operation), $"nothing measures {operation}");
        Assert.InRange(_operations[operation](), 0, ReadBudgets()[operation]);
    }

    [Fact]
    public void EveryMeasuredOperation_HasABudget() => Assert.Equal(_operations.Keys.Order(), ReadBudgets().Keys.Order());

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _tenants.DisposeAsync();
        await _limits.DisposeAsync();
    }

    private static Dictionary<string, long> ReadBudgets() => Allocations.Budgets(Prefix);

    /// <summary>
    /// Everything between the body that has arrived and the request to Loki: decode, walk, hash the streams, bucket, stream table.
    /// </summary>
    private double MeasurePush(int entries)
    {
        byte[] block = Push(entries);
        PooledBytes body = _memory.TryRent(block.Length)!;
        block.CopyTo(body.Buffer, 0);
        body.Length = block.Length;
        using (body) return Allocations.LeastPerCall(() => InspectAndAdmit(body, entries));
    }

    private bool InspectAndAdmit(PooledBytes body, int entries)
    {
        if (_decoder.TryDecode(body, default, out PooledBytes? decoded) is not null) return false;
        using (decoded)
        {
            PushSummary summary = default;
            return PushSummary.TryRead(decoded!.Span, ref summary) == PushError.None && summary.Entries == entries
                && _admission.Admit(_tenant, decoded.Span, summary).Refusal is null;
        }
    }

    private static byte[] Push(int entries)
    {
        byte[] line = Encoding.ASCII.GetBytes(new string('x', 120));
        byte[] request = new byte[entries * PushWriter.EntryLengthMax(line.Length) + (StreamsPerPush * 256)];
        byte[] content = new byte[entries * PushWriter.EntryLengthMax(line.Length)];
        long now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1_000_000;
        int length = 0;
        for (int stream = 0; stream < StreamsPerPush; stream++)
        {
            int contentLength = 0;
            for (int i = 0; i < entries / StreamsPerPush; i++)
                contentLength += PushWriter.WriteEntry(content.AsSpan(contentLength), now + i, line);
            byte[] labels = Encoding.UTF8.GetBytes($"{{app=\"a\", pod=\"a-{stream}\"}}");
            length += PushWriter.WriteStreamHeader(request.AsSpan(length), labels, contentLength);
            content.AsSpan(0, contentLength).CopyTo(request.AsSpan(length));
            length += contentLength;
        }
        byte[] block = new byte[SnappyBlock.CompressedLengthMax(length)];
        return block[..SnappyBlock.Compress(request.AsSpan(0, length), block)];
    }
}
