using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Protocol.Labels;
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Batch;

namespace LokiGateway.Shipper.Tests.Account;

/// <summary>The books of a tenant close at every moment, and show it when they do not.</summary>
public sealed class TenantAccountTests
{
    private const int BatchBytes = 2048;

    /// <summary>A random life of a batch: lines framed, sealed, decided with some rejected; the books are looked at after every step.</summary>
    [Property(MaxTest = 200)]
    public Property ReadIsAckedPlusRejectedPlusInFlight_AfterEveryStep() => Prop.ForAll(Gen.Choose(0, 99).ListOf().ToArbitrary(), static steps =>
    {
        var account = new TenantAccount("ops");
        TenantAccount.Contents contents = account.AddLane();
        var buffers = new BatchBuffers(1 << 20, BatchSealer.BufferBytesMax(BatchBytes, 256));
        var builder = new BatchBuilder(buffers, BatchBytes);
        var sealer = new BatchSealer(buffers, BatchBytes, 256);
        var stream = new BatchStream(LabelSet.Of([new("app", "a")]));
        SealedBatch? sent = null;
        long read = 0, rejectedAll = 0;
        foreach (int step in steps)
        {
            if (step < 50)
            {
                int framed = 0;
                for (int i = 0; i < step && builder.TryAdd(stream, read + i, "line"u8, default); i++) framed++;
                read += framed;
                account.Framed(contents, framed, builder);
            }
            else if (sent is null && builder.Lines > 0)
            {
                sent = sealer.Seal(builder, 1);
                account.Sealed(contents, builder, sent);
            }
            else if (sent is not null)
            {
                int rejected = Math.Min(step - 50, sent.Lines);
                rejectedAll += rejected;
                account.Decided(contents, sent.Lines - rejected, rejected == 0 ? null : new Dictionary<string, long> { ["too_far_behind"] = rejected });
                buffers.Return(sent.Buffer);
                sent = null;
            }
            AccountSnapshot books = account.Snapshot();
            Assert.Equal(0, books.Imbalance);
            Assert.Equal((read, rejectedAll), (books.Read, books.Rejected));
            Assert.Equal(builder.Lines + (sent?.Lines ?? 0), books.InFlight);
        }
    });

    [Fact]
    public void LineThatVanishes_Shows()
    {
        var account = new TenantAccount("ops");
        TenantAccount.Contents contents = account.AddLane();
        // Frame says it handed over three lines, the batch holds none.
        account.Framed(contents, 3, new BatchBuilder(new BatchBuffers(0, 1), BatchBytes));
        Assert.Equal(3, account.Snapshot().Imbalance);
    }
}
