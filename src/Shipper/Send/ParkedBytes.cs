namespace LokiGateway.Shipper.Send;

/// <summary>
/// The bound on what waits outside the batch buffers, process-wide: streams over their limit. Reached: the tenants that want to park more wait, as
/// under any other refusal. Any thread.
/// </summary>
internal sealed class ParkedBytes(long bytesMax)
{
    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Takes all of it or nothing; a first one is always let in, however large.</summary>
    public bool TryTake(long bytes)
    {
        while (true)
        {
            long held = Bytes;
            if (held > 0 && held + bytes > bytesMax) return false;
            if (Interlocked.CompareExchange(ref _bytes, held + bytes, held) == held) return true;
        }
    }

    /// <summary>A part of what was given back at the same time.</summary>
    public void Take(long bytes) => Interlocked.Add(ref _bytes, bytes);

    public void GiveBack(long bytes) => Interlocked.Add(ref _bytes, -bytes);
}
