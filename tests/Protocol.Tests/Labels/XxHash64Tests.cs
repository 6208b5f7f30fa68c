// The hash of a stream is compared across processes and releases: it must be XXH64, not something like it.
using System.Text;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.Protocol.Tests.Labels;

public sealed class XxHash64Tests
{
    [Theory]
    [InlineData("", 0UL, 0xEF46DB3751D8E999UL)]
    [InlineData("a", 0UL, 0xD24EC4F1A98C6E5BUL)]
    [InlineData("abc", 0UL, 0x44BC2CF5AD770999UL)]
    [InlineData("xxhash", 0UL, 0x32DD38952C4BC720UL)]
    [InlineData("xxhash", 20141025UL, 0xB559B98D844E0635UL)]
    [InlineData("Nobody inspects the spammish repetition", 0UL, 0xFBCEA83C8A378BF1UL)]
    public void KnownText_HasItsPublishedHash(string text, ulong seed, ulong hash) =>
        Assert.Equal(hash, XxHash64.Hash(Encoding.ASCII.GetBytes(text), seed));

    [Fact]
    public void EveryLengthUpTo300_EqualsTheRuntimesOwn()
    {
        var data = new byte[300];
        new Random(64).NextBytes(data);
        for (var length = 0; length <= data.Length; length++)
            Assert.Equal(System.IO.Hashing.XxHash64.HashToUInt64(data.AsSpan(0, length)), XxHash64.Hash(data.AsSpan(0, length)));
    }
}
