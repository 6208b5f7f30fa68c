// The shortcut by which streams are counted must say exactly what the parser says, or two spellings of a stream become two streams.
using System.Text;
using FsCheck.Xunit;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.Protocol.Tests.Labels;

public sealed class LabelTextTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("{app=\"a\"}")]
    [InlineData("{_a1=\"b\", app=\"a b,c={}\", app2=\"\\n\\\\\\\"\\x00\\x7f\"}")]
    [InlineData("{a=\"1\", a=\"2\"}")]
    [InlineData("{a=\"é한😀\"}")]
    [InlineData("{a=\"\\u00a0\\U000e0001\"}")]
    public void CanonicalText_IsHashedAsTheSetIs(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        Assert.True(LabelText.TryHashCanonical(utf8, out var hash));
        Assert.True(LabelSet.TryParse(utf8, out var labels, out _));
        Assert.Equal(text, labels.Text);
        Assert.Equal(labels.Hash, hash);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("}")]
    [InlineData("{ }")]
    [InlineData(" {}")]
    [InlineData("{a=\"b\"} ")]
    [InlineData("{a=\"b\",}")]
    [InlineData("{a=\"b\",c=\"d\"}")]
    [InlineData("{a=\"b\",  c=\"d\"}")]
    [InlineData("{b=\"1\", a=\"2\"}")]
    [InlineData("{a =\"b\"}")]
    [InlineData("{a= \"b\"}")]
    [InlineData("{a='b'}")]
    [InlineData("{a=`b`}")]
    [InlineData("{a=\"\"}")]
    [InlineData("{a=\"b\", c=\"\"}")]
    [InlineData("{1a=\"b\"}")]
    [InlineData("{=\"b\"}")]
    [InlineData("{a-b=\"c\"}")]
    [InlineData("a{b=\"c\"}")]
    [InlineData("{a=\"b\"}}")]
    [InlineData("{a=\"b}")]
    [InlineData("{a=\"b\\\"}")]
    [InlineData("{a=\"\\x41\"}")]
    [InlineData("{a=\"\\x0a\"}")]
    [InlineData("{a=\"\\x1F\"}")]
    [InlineData("{a=\"\\u0041\"}")]
    [InlineData("{a=\"\\u00A0\"}")]
    [InlineData("{a=\"\\U000000a0\"}")]
    [InlineData("{a=\"\\ud800\"}")]
    [InlineData("{a=\"\\'\"}")]
    [InlineData("{a=\"\\101\"}")]
    [InlineData("{a=\"\u00A0\"}")]
    [InlineData("{a=\"\uFFFD\"}")]
    [InlineData("{a=\"\t\"}")]
    [InlineData("{a=\"b\", ")]
    [InlineData("{a=\"b\", }")]
    public void AnyOtherText_IsLeftToTheParser(string text)
    {
        Assert.False(LabelText.TryHashCanonical(Encoding.UTF8.GetBytes(text), out var hash));
        Assert.Equal(0UL, hash);
    }

    [Property(MaxTest = 300)]
    public void HashedText_IsAlwaysTheParsersOwnText(byte[] value, bool quote)
    {
        byte[] text = [.. "{a=\""u8, .. value.Where(b => b != '"'), .. (quote ? "\""u8 : ""u8), .. "}"u8];
        if (!LabelText.TryHashCanonical(text, out var hash))
            return;
        Assert.True(LabelSet.TryParse(text, out var labels, out var error), error);
        Assert.True(text.AsSpan().SequenceEqual(labels.Utf8));
        Assert.Equal(labels.Hash, hash);
    }

    [Fact]
    public void HashesOfAMillionStreams_DoNotMeet()
    {
        var hashes = new HashSet<ulong>();
        Span<byte> text = "{pod=\"app-000000\"}"u8.ToArray();
        for (var i = 0; i < 1_000_000; i++)
        {
            i.TryFormat(text[10..16], out _, "D6");
            Assert.True(LabelText.TryHashCanonical(text, out var hash));
            hashes.Add(hash);
        }

        Assert.Equal(1_000_000, hashes.Count);
    }
}
