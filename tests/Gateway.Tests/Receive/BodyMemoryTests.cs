// The budget is the difference between an answer 503 and an OOM kill.
using LokiGateway.Gateway.Receive;

namespace LokiGateway.Gateway.Tests.Receive;

public sealed class BodyMemoryTests
{
    [Fact]
    public void WhatDoesNotFitTheBudget_IsRefused_AndFitsAgainAfterAReturn()
    {
        var memory = new BodyMemory(256 * 1024);
        PooledBytes first = memory.TryRent(128 * 1024)!;
        using PooledBytes second = memory.TryRent(100 * 1024)!;
        Assert.Null(memory.TryRent(1));
        first.Dispose();
        using PooledBytes third = memory.TryRent(64 * 1024)!;
        Assert.Equal((128 + 64) * 1024, memory.ChargedBytes);
    }

    [Fact]
    public void ReturnedTwice_IsReturnedOnce()
    {
        var memory = new BodyMemory(1024 * 1024);
        PooledBytes rented = memory.TryRent(1000)!;
        rented.Dispose();
        rented.Dispose();
        Assert.Equal(0, memory.ChargedBytes);
        using PooledBytes one = memory.TryRent(1000)!;
        using PooledBytes two = memory.TryRent(1000)!;
        Assert.NotSame(one.Buffer, two.Buffer);
        Assert.Throws<ObjectDisposedException>(() => rented.Buffer);
    }

    [Fact]
    public void UnusedBuffers_AreKeptUpToABound()
    {
        var memory = new BodyMemory(1L << 31);
        PooledBytes[] rented = [.. Enumerable.Range(0, 40).Select(_ => memory.TryRent(1024 * 1024)!)];
        foreach (PooledBytes bytes in rented) bytes.Dispose();
        Assert.InRange(memory.KeptBytes, 1024 * 1024, BodyMemory.KeptBytesMax);
        Assert.Equal(0, memory.ChargedBytes);
    }

    [Theory]
    [InlineData(0, 65536)]
    [InlineData(65536, 65536)]
    [InlineData(65537, 131072)]
    [InlineData(1024 * 1024, 1024 * 1024)]
    public void Buffer_IsTheNextPowerOfTwo(int bytes, int expected)
    {
        using PooledBytes rented = new BodyMemory(1L << 31).TryRent(bytes)!;
        Assert.Equal(expected, rented.Buffer.Length);
    }
}
