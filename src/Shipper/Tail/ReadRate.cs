// limits.read_rate: a node whose disk is busy can be spared by reading slower; the files wait.
namespace LokiGateway.Shipper.Tail;

/// <summary>A token bucket over all lanes, one second deep. Any thread; asked once per chunk. A chunk may overdraw it: the next ones wait longer.</summary>
internal sealed class ReadRate(long bytesPerSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private double _tokens = bytesPerSecond;
    private long _filledAt = time.GetTimestamp();

    /// <summary>Whether a chunk may be read now.</summary>
    public bool MayRead()
    {
        if (bytesPerSecond == 0) return true;
        lock (_gate)
        {
            long now = time.GetTimestamp();
            _tokens = Math.Min(bytesPerSecond, _tokens + time.GetElapsedTime(_filledAt, now).TotalSeconds * bytesPerSecond);
            _filledAt = now;
            return _tokens > 0;
        }
    }

    public void Took(long bytes)
    {
        if (bytesPerSecond == 0) return;
        lock (_gate) _tokens -= bytes;
    }
}
