// Sizes: 1024 in each spelling, as Loki's own flag types count.
using FsCheck.Xunit;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Hosting.Tests.Configuration;

public sealed class ByteSizesTests
{
    [Theory]
    [InlineData("0", 0L)]
    [InlineData("1048576", 1_048_576L)]
    [InlineData("256KB", 262_144L)]
    [InlineData("256kb", 262_144L)]
    [InlineData("256KiB", 262_144L)]
    [InlineData("256k", 262_144L)]
    [InlineData("64MiB", 67_108_864L)]
    [InlineData("1.5MiB", 1_572_864L)]
    [InlineData("3 GB", 3_221_225_472L)]
    [InlineData("2TiB", 2_199_023_255_552L)]
    [InlineData("12B", 12L)]
    public void EverySpelling_CountsIn1024(string text, long bytes)
    {
        Assert.True(ByteSizes.TryParse(text, out long parsed, out string error), error);
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MiB")]
    [InlineData("-1")]
    [InlineData("1 mile")]
    [InlineData("1MiBB")]
    [InlineData("99999999999TiB")]
    [InlineData("1.2.3")]
    public void WhatIsNoSize_IsRefusedWithAReason(string text)
    {
        Assert.False(ByteSizes.TryParse(text, out _, out string error));
        Assert.NotEmpty(error);
    }

    [Property(MaxTest = 500)]
    public bool Format_IsReadBackAsTheSame(long bytes)
    {
        long size = Math.Abs(bytes % (1L << 50));
        return ByteSizes.TryParse(ByteSizes.Format(size), out long again, out _) && again == size;
    }
}
