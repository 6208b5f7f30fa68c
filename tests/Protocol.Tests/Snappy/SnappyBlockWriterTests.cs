// A block that is written in pieces against the compressor that gets the same bytes at once: whoever reads one reads the other.
using System.Text;
using FsCheck.Xunit;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Protocol.Tests.Snappy;

public sealed class SnappyBlockWriterTests
{
    private const int Fragment = 64 << 10;

    private const byte Guard = 0xCD;

    [Property(MaxTest = 200)]
    public void PiecesOfAnyLength_AreTheBlockOfTheirBytesInOne(int seed)
    {
        var random = new Random(seed);
        var pieces = new List<byte[]>();
        for (int left = random.Next(40), length = 0; left > 0 && length < 8 * Fragment; left--)
        {
            byte[] piece = Text(random, random.Next(4) switch
            {
                0 => random.Next(2),
                1 => random.Next(300),
                2 => random.Next(Fragment - 300, Fragment + 300),
                _ => random.Next(3) * Fragment,
            });
            length += piece.Length;
            pieces.Add(piece);
        }
        AssertTheBlockOfAll(pieces, scratchBytes: Fragment * random.Next(1, 5));
    }

    [Fact]
    public void EveryBorderBetweenTwoPieces_AroundAFragment_IsNone()
    {
        byte[] text = Text(new Random(1), 3 * Fragment);
        int[] borders = [0, 1, 127, 128, 16383, 16384, Fragment - 1, Fragment, Fragment + 1, 2 * Fragment - 1, 2 * Fragment, 2 * Fragment + 1, text.Length];
        foreach (int border in borders) AssertTheBlockOfAll([text[..border], text[border..]], Fragment);
    }

    [Fact]
    public void NothingAtAll_IsTheEmptyBlock() => AssertTheBlockOfAll([], Fragment);

    [Fact]
    public void WhatWouldNotFit_IsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new SnappyBlockWriter(100, new byte[SnappyBlock.CompressedLengthMax(100) - 1], new byte[Fragment]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SnappyBlockWriter(100, new byte[SnappyBlock.CompressedLengthMax(100)], new byte[Fragment - 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SnappyBlockWriter(100, new byte[SnappyBlock.CompressedLengthMax(100)], default));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
        {
            var writer = new SnappyBlockWriter(3, new byte[SnappyBlock.CompressedLengthMax(3)], new byte[Fragment]);
            writer.Write("ab"u8);
            writer.Write("cd"u8);
        });
        Assert.Throws<InvalidOperationException>(() =>
        {
            var writer = new SnappyBlockWriter(3, new byte[SnappyBlock.CompressedLengthMax(3)], new byte[Fragment]);
            writer.Write("ab"u8);
            writer.Finish();
        });
    }

    private static void AssertTheBlockOfAll(List<byte[]> pieces, int scratchBytes)
    {
        byte[] all = [.. pieces.SelectMany(static piece => piece)];
        byte[] expected = new byte[SnappyBlock.CompressedLengthMax(all.Length)];
        int length = SnappyBlock.Compress(all, expected);

        byte[] output = new byte[expected.Length + 1];
        output[^1] = Guard;
        var writer = new SnappyBlockWriter(all.Length, output.AsSpan(..^1), new byte[scratchBytes]);
        foreach (byte[] piece in pieces) writer.Write(piece);
        Assert.Equal(length, writer.Finish());
        Assert.True(output.AsSpan(0, length).SequenceEqual(expected.AsSpan(0, length)));
        Assert.Equal(Guard, output[^1]);
    }

    /// <summary>Log lines with a little of what cannot be compressed.</summary>
    private static byte[] Text(Random random, int length)
    {
        var text = new StringBuilder();
        while (text.Length < length)
            text.Append("level=info msg=\"request completed\" traceID=").Append(random.NextInt64().ToString("x16")).Append(" n=").Append(random.Next(99)).Append('\n');
        return Encoding.ASCII.GetBytes(text.ToString(0, length));
    }
}
