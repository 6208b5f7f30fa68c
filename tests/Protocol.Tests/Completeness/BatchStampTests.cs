// The batch stamp comes from the network: what is not exactly what a shipper writes must be no stamp at all.
using FsCheck;
using FsCheck.Xunit;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Protocol.Tests.Completeness;

public sealed class BatchStampTests
{
    private const string Valid = "node=ip-10-0-0-1.ec2;epoch=1795382395;seq=7;lines=100;read=1000;acked=900;lost=0";

    [Fact]
    public void Header_IsWrittenAsDocumented() =>
        Assert.Equal(Valid, new BatchStamp("ip-10-0-0-1.ec2", 1795382395, 7, 100, 1000, 900, 0).ToString());

    [Property(MaxTest = 300)]
    public void Stamp_SurvivesTheHeader(NonEmptyString node, long epoch, long sequence, long lines, long read, long acked, long lost)
    {
        // Any text may be a node name; what is no Unicode becomes U+FFFD before it is compared.
        var name = System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(node.Get));
        if (System.Text.Encoding.UTF8.GetByteCount(name) > BatchStamp.NodeBytesMax)
            return;
        var stamp = new BatchStamp(name, Positive(epoch), Positive(sequence), Positive(lines), Positive(read), Positive(acked), Positive(lost));
        var header = stamp.ToString();

        Assert.True(BatchStamp.TryParse(header, out var parsed), header);
        Assert.Equal(stamp, parsed);
        Assert.True(System.Text.Ascii.IsValid(header));
        Assert.DoesNotContain(header, c => c is < ' ' or > '~' or ',');
    }

    [Fact]
    public void LongestStamp_FitsTheBound()
    {
        var stamp = new BatchStamp(new string('%', BatchStamp.NodeBytesMax), long.MaxValue, long.MaxValue, long.MaxValue, long.MaxValue, long.MaxValue, long.MaxValue);
        Assert.InRange(stamp.ToString().Length, 900, BatchStamp.HeaderLengthMax);
        Assert.True(BatchStamp.TryParse(stamp.ToString(), out var parsed));
        Assert.Equal(stamp, parsed);
    }

    [Fact]
    public void LongNodeName_IsCutAtACharacter()
    {
        var stamp = new BatchStamp(new string('é', 200), 1, 2, 3, 4, 5, 6);
        Assert.True(BatchStamp.TryParse(stamp.ToString(), out var parsed));
        Assert.Equal(new string('é', 126), parsed.Node);
    }

    [Theory]
    [InlineData("")]
    [InlineData(";")]
    [InlineData(Valid + ";")]
    [InlineData(Valid + ";more=1")]
    [InlineData(" " + Valid)]
    [InlineData(Valid + " ")]
    [InlineData("node=;epoch=1;seq=2;lines=3;read=4;acked=5;lost=6")]
    [InlineData("node=a;seq=2;epoch=1;lines=3;read=4;acked=5;lost=6")]
    [InlineData("node=a;epoch=-1;seq=2;lines=3;read=4;acked=5;lost=6")]
    [InlineData("node=a;epoch=+1;seq=2;lines=3;read=4;acked=5;lost=6")]
    [InlineData("node=a;epoch=01;seq=2;lines=3;read=4;acked=5;lost=6")]
    [InlineData("node=a;epoch=;seq=2;lines=3;read=4;acked=5;lost=6")]
    [InlineData("node=a;epoch=9223372036854775808;seq=2;lines=3;read=4;acked=5;lost=6")]
    [InlineData("node=a;epoch=1e3;seq=2;lines=3;read=4;acked=5;lost=6")]
    [InlineData("node=a;epoch=1;seq=2;lines=3;read=4;acked=5")]
    [InlineData("NODE=a;epoch=1;seq=2;lines=3;read=4;acked=5;lost=6")]
    [InlineData("node=a b;epoch=1;seq=2;lines=3;read=4;acked=5;lost=6")]
    [InlineData("node=a%2;epoch=1;seq=2;lines=3;read=4;acked=5;lost=6")]
    [InlineData("node=a%zz;epoch=1;seq=2;lines=3;read=4;acked=5;lost=6")]
    [InlineData("node=a%c3%a9;epoch=1;seq=2;lines=3;read=4;acked=5;lost=6")] // lower case: a second spelling
    [InlineData("node=%61;epoch=1;seq=2;lines=3;read=4;acked=5;lost=6")] // needless escape: a second spelling
    [InlineData("node=%FF;epoch=1;seq=2;lines=3;read=4;acked=5;lost=6")] // not UTF-8
    [InlineData("node=é;epoch=1;seq=2;lines=3;read=4;acked=5;lost=6")]
    public void AnythingElse_IsNoStamp(string header)
    {
        Assert.False(BatchStamp.TryParse(header, out var stamp));
        Assert.Equal(default, stamp);
    }

    [Fact]
    public void NodeOver253Bytes_AndHeaderOverTheBound_AreNoStamp()
    {
        Assert.True(BatchStamp.TryParse(Valid.Replace("ip-10-0-0-1.ec2", new string('a', 253), StringComparison.Ordinal), out _));
        Assert.False(BatchStamp.TryParse(Valid.Replace("ip-10-0-0-1.ec2", new string('a', 254), StringComparison.Ordinal), out _));
        Assert.False(BatchStamp.TryParse(Valid.Replace("ip-10-0-0-1.ec2", new string('a', 1_000_000), StringComparison.Ordinal), out _));
    }

    [Fact]
    public void EveryTruncationAndEveryFlippedBit_IsRefusedOrReadsAsWritten()
    {
        for (var length = 0; length < Valid.Length; length++)
            AssertReadsAsWritten(Valid[..length]);
        for (var i = 0; i < Valid.Length * 16; i++)
        {
            var flipped = Valid.ToCharArray();
            flipped[i / 16] ^= (char)(1 << (i % 16));
            AssertReadsAsWritten(new string(flipped));
        }
    }

    // One stamp, one spelling: what is accepted must be what ToString would have written.
    private static void AssertReadsAsWritten(string header)
    {
        if (BatchStamp.TryParse(header, out var stamp))
            Assert.Equal(header, stamp.ToString());
    }

    private static long Positive(long value) => value & long.MaxValue;
}
