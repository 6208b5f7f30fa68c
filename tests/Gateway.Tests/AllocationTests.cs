// Inspecting and admitting a push costs the same few objects whether it holds ten entries or six thousand.
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Receive;
using LokiGateway.Hosting.Limits;
using LokiGateway.Protocol.Push;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.Gateway.Tests;

public sealed class AllocationTests
{
    [Fact]
    public async Task InspectAndAdmit_AllocateNothingPerEntryAndPerStream()
    {
        var metrics = new GatewayMetrics(Metrics.NewCustomRegistry());
        var bounds = new RequestBounds();
        var memory = new BodyMemory(bounds.BytesInFlightMax);
        var decoder = new PushDecoder(bounds, memory);
        await using var limits = new RuntimeLimits(
            new TenantLimits { IngestionRateMb = 1e5, IngestionBurstSizeMb = 1e5 }, null, TimeSpan.FromSeconds(10), TimeProvider.System, NullLogger.Instance, null, "x");
        await using var tenants = new Tenants(limits, metrics, 1, TimeProvider.System);
        var admission = new Admission(memory, tenants, ShadowMode.None, ByteCounting.Lines, TimeProvider.System, NullLogger.Instance);
        Tenant tenant = tenants.Find("ops")!;
        double small = AllocatedBy(streams: 1, entries: 10);
        double large = AllocatedBy(streams: 100, entries: 60);
        Assert.Equal(small, large);
        Assert.InRange(large, 0, 1024);

        double AllocatedBy(int streams, int entries)
        {
            byte[] block = PushRequests.Snappy([.. Enumerable.Range(0, streams).Select(s => new LogStream(
                $"{{app=\"shop\", pod=\"shop-{s}\"}}", [.. Enumerable.Range(0, entries).Select(e => new LogEntry(PushRequests.Now(), $"line {e} of the shop, with some text"))]))]);
            using PooledBytes body = memory.TryRent(block.Length)!;
            block.CopyTo(body.Buffer, 0);
            body.Length = block.Length;
            return Allocations.LeastPerCall(() => Run(body));
        }

        bool Run(PooledBytes body)
        {
            Assert.Null(decoder.TryDecode(body, new PushFormat(PushEncoding.Protobuf, PushCompression.None, default), out PooledBytes? decoded, out _));
            using (decoded)
            {
                var summary = default(PushSummary);
                if (PushSummary.TryRead(decoded!.Span, ref summary) != PushError.None) throw new InvalidOperationException("not a push");
                if (admission.Admit(tenant, decoded.Span, default, summary) is not { Refusal: null, Partial: null }) throw new InvalidOperationException("refused");
            }
            return true;
        }
    }
}
