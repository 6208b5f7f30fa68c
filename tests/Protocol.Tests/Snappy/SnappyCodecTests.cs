// Our compressor (Snappier) and our own decoder against the format: what we compress everybody must read, what anybody compresses we must read,
// and no bytes whatsoever may make the decoder accept what Loki refuses or touch memory outside its buffers.
using System.Text;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Protocol.Tests.Snappy;

public class SnappyCodecTests
{
    private const byte Guard = 0xCD;

    /// <summary>More than the decoder's fast path may overwrite by mistake in one step.</summary>
    private const int GuardBytes = 128;

    public static TheoryData<string, int> Inputs()
    {
        var data = new TheoryData<string, int>();
        foreach (string kind in new[] { "random", "few letters", "period", "log", "patchwork" })
        {
            // Around every size at which a path changes: short literals, the fast path's reach, one and two bytes of length, a fragment.
            int[] lengths = [0, 1, 15, 16, 17, 60, 61, 64, 65, 66, 67, 68, 130, 256, 257, 2047, 2048, 65535, 65536, 65537, 200_001];
            foreach (int length in lengths) data.Add(kind, length);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Inputs))]
    public void WhatWeCompress_IsReadByTheReferenceAndBySnappierAndByUs(string kind, int length)
    {
        byte[] input = Input(kind, length, seed: length);
        byte[] block = Compress(input);

        Assert.Equal(input, Reference(block));
        Assert.Equal(input, Snappier.Snappy.DecompressToArray(block));
        Assert.Equal(input, Decode(block));
    }

    [Theory]
    [MemberData(nameof(Inputs))]
    public void WhatSnappierCompresses_IsReadByUs(string kind, int length)
    {
        byte[] input = Input(kind, length, seed: length + 1);
        Assert.Equal(input, Decode(Snappier.Snappy.CompressToArray(input)));
    }

    [Theory]
    [InlineData("log")]
    [InlineData("patchwork")]
    public void EveryTruncation_IsRefused(string kind)
    {
        byte[] block = Compress(Input(kind, 3000, seed: 7));
        for (int length = 1; length < block.Length; length++) Assert.Null(Decode(block[..length]));
    }

    [Theory]
    [InlineData("few letters", 400)]
    [InlineData("log", 700)]
    [InlineData("patchwork", 500)]
    public void EveryFlippedBit_IsJudgedAsTheReferenceJudgesIt(string kind, int length)
    {
        byte[] ours = Compress(Input(kind, length, seed: 3)), theirs = Snappier.Snappy.CompressToArray(Input(kind, length, seed: 4));
        foreach (byte[] block in new[] { ours, theirs })
        {
            for (int bit = 0; bit < block.Length * 8; bit++)
            {
                byte[] flipped = [.. block];
                flipped[bit / 8] ^= (byte)(1 << (bit % 8));
                AssertJudgedAlike(flipped);
            }
        }
    }

    [Fact]
    public void TenThousandRandomMutations_AreJudgedAsTheReferenceJudgesThem()
    {
        var random = new Random(20261122);
        string[] kinds = ["random", "few letters", "period", "log", "patchwork"];
        for (int i = 0; i < 10_000; i++)
        {
            byte[] input = Input(kinds[i % kinds.Length], random.Next(1, 3000), seed: i);
            byte[] block = i % 2 == 0 ? Compress(input) : Snappier.Snappy.CompressToArray(input);
            for (int change = random.Next(1, 5); change > 0; change--) block[random.Next(block.Length)] = (byte)random.Next(256);
            AssertJudgedAlike(block);
        }
    }

    [Fact]
    public void TextThatRepeatsNothing_GrowsByAFewBytesOnly()
    {
        byte[] input = Input("random", 1 << 20, seed: 1);
        Assert.InRange(Compress(input).Length, input.Length, input.Length + 5 + (17 * 4));
    }

    [Fact]
    public void OutputThatIsTooShort_IsRefusedBeforeAnythingIsWritten()
    {
        byte[] input = Input("log", 1000, seed: 2);
        byte[] output = new byte[SnappyBlock.CompressedLengthMax(input.Length) - 1];
        Assert.Throws<ArgumentOutOfRangeException>(() => SnappyBlock.Compress(input, output));
        Assert.DoesNotContain(output, value => value != 0);
    }

    private static void AssertJudgedAlike(byte[] block)
    {
        byte[]? expected = Reference(block);
        byte[]? actual = Decode(block);
        if (expected is null) Assert.Null(actual);
        else Assert.Equal(expected, actual);
    }

    private static byte[] Compress(byte[] input)
    {
        byte[] output = new byte[SnappyBlock.CompressedLengthMax(input.Length) + GuardBytes];
        output.AsSpan(^GuardBytes..).Fill(Guard);
        int length = SnappyBlock.Compress(input, output.AsSpan(..^GuardBytes));
        Assert.DoesNotContain(output[^GuardBytes..], value => value != Guard);
        return output[..length];
    }

    private static byte[]? Decode(byte[] block)
    {
        if (SnappyBlock.TryReadLength(block, 1 << 22, out int length) != SnappyError.None) return null;
        byte[] output = new byte[length + GuardBytes];
        output.AsSpan(length).Fill(Guard);
        SnappyError error = SnappyBlock.TryDecode(block, output.AsSpan(0, length), out int written);
        Assert.DoesNotContain(output[length..], value => value != Guard);
        Assert.Equal(error == SnappyError.None ? length : 0, written);
        return error == SnappyError.None ? output[..length] : null;
    }

    private static byte[]? Reference(byte[] block)
    {
        if (SnappyBlock.TryReadLength(block, 1 << 22, out int length) != SnappyError.None) return null;
        int preamble = 1;
        while (block[preamble - 1] >= 0x80) preamble++;
        return ReferenceDecoder.Decode(block.AsSpan(preamble), length);
    }

    private static byte[] Input(string kind, int length, int seed)
    {
        var random = new Random(seed);
        byte[] bytes = new byte[length];
        switch (kind)
        {
            case "random":
                random.NextBytes(bytes);
                break;
            case "few letters":
                for (int i = 0; i < length; i++) bytes[i] = (byte)('a' + random.Next(3));
                break;
            case "period": // overlapping copies of every short offset
                int period = random.Next(1, 20);
                for (int i = 0; i < length; i++) bytes[i] = (byte)('a' + (i % period));
                break;
            case "log":
                var text = new StringBuilder();
                while (text.Length < length)
                {
                    text.Append("level=info caller=handler.go:").Append(random.Next(400)).Append(" msg=\"request completed\" traceID=")
                        .Append(random.NextInt64().ToString("x16")).Append(" duration=").Append(random.Next(1000)).Append("ms\n");
                }
                Encoding.ASCII.GetBytes(text.ToString(0, length), bytes);
                break;
            default: // patchwork: new bytes and repetitions of any earlier place, of every length
                for (int i = 0; i < length;)
                {
                    int count = Math.Min(length - i, random.Next(1, 200));
                    int back = i == 0 || random.Next(2) == 0 ? 0 : random.Next(1, i + 1);
                    for (; count > 0; count--, i++) bytes[i] = back == 0 ? (byte)random.Next(256) : bytes[i - back];
                }
                break;
        }
        return bytes;
    }
}
