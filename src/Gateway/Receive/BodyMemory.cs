// The memory that request bodies live in, bounded for the whole process: without one number for it, a thousand agents that reconnect after an outage would be
// added up by the OOM killer. ArrayPool.Shared has no such bound and keeps an array per size and thread; here the one returned last is rented next, so it
// is still in the processor's cache.
using System.Numerics;

namespace LokiGateway.Gateway.Receive;

/// <summary>
/// Contiguous buffers in powers of two from 64 KiB up, and the budget they count against. Thread-safe. What does not fit the budget is refused, never waited
/// for. At most <see cref="KeptBytesMax"/> lie unused; more is left to the garbage collector.
/// </summary>
internal sealed class BodyMemory(long bytesMax)
{
    /// <summary>A push of the shipper is 1 MiB decoded and 0.31 MiB as sent: this keeps about ten of both.</summary>
    internal const long KeptBytesMax = 16 * 1024 * 1024;

    private const int SmallestShift = 16;
    private const int LargestShift = 30;

    private readonly Lock _lock = new();
    private readonly Stack<byte[]>[] _free = NewStacks();
    private long _keptBytes;
    private long _chargedBytes;

    /// <summary>Charged at this moment.</summary>
    public long ChargedBytes => Volatile.Read(ref _chargedBytes);

    /// <summary>Lying unused at this moment.</summary>
    public long KeptBytes => Volatile.Read(ref _keptBytes);

    /// <summary>Counts bytes that somebody else holds for a request, such as a pipe of the transport. Pair with <see cref="Release"/>.</summary>
    public bool TryCharge(long bytes)
    {
        if (Interlocked.Add(ref _chargedBytes, bytes) <= bytesMax) return true;
        Interlocked.Add(ref _chargedBytes, -bytes);
        return false;
    }

    public void Release(long bytes) => Interlocked.Add(ref _chargedBytes, -bytes);

    /// <summary>A buffer of at least this length with unknown content, charged as long as it is rented; null when the budget is used up.</summary>
    public PooledBytes? TryRent(int bytesMin)
    {
        int shift = ShiftOf(bytesMin);
        if (!TryCharge(1L << shift)) return null;
        byte[]? buffer;
        lock (_lock)
        {
            if (_free[shift - SmallestShift].TryPop(out buffer)) _keptBytes -= buffer.Length;
        }

        return new PooledBytes(this, buffer ?? GC.AllocateUninitializedArray<byte>(1 << shift));
    }

    internal void Return(byte[] buffer)
    {
        Release(buffer.Length);
        lock (_lock)
        {
            if (_keptBytes + buffer.Length > KeptBytesMax) return;
            _keptBytes += buffer.Length;
            _free[ShiftOf(buffer.Length) - SmallestShift].Push(buffer);
        }
    }

    private static int ShiftOf(int bytes)
    {
        int shift = Math.Max(SmallestShift, 32 - BitOperations.LeadingZeroCount((uint)Math.Max(bytes - 1, 1)));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shift, LargestShift, nameof(bytes));
        return shift;
    }

    private static Stack<byte[]>[] NewStacks()
    {
        var stacks = new Stack<byte[]>[LargestShift - SmallestShift + 1];
        for (int i = 0; i < stacks.Length; i++) stacks[i] = new Stack<byte[]>();
        return stacks;
    }
}
