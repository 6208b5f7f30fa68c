namespace LokiGateway.Protocol.Completeness;

/// <summary>The whole numbers from <paramref name="From"/> up to, but not including, <paramref name="To"/>.</summary>
public readonly record struct Interval(long From, long To)
{
    public long Length => To - From;
}
