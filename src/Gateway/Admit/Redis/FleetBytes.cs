// A tenant's byte budget in the whole fleet: the slice that lies here, and the questions to Redis when it runs low.
using System.Globalization;
using StackExchange.Redis;

namespace LokiGateway.Gateway.Admit.Redis;

/// <summary>Judges pushes by the fleet's bucket, or, while Redis cannot be used, by this gateway's own. Thread-safe.</summary>
internal sealed class FleetBytes
{
    private readonly RedisStore _store;
    private readonly TokenBucket _local;
    private readonly int _replicas;
    private readonly RedisKey[] _keys;
    private double _bytesPerSecond;
    private long _burstBytes;

    /// <param name="store">Where all gateways count.</param>
    /// <param name="tenant">Whose bytes.</param>
    /// <param name="local">The tenant's bucket in this gateway: in force while the store is not, and charged all the time, so that an outage does not open with a burst.</param>
    /// <param name="replicas">Gateways of the fleet.</param>
    /// <param name="bytesPerSecond">Of the fleet.</param>
    /// <param name="burstBytes">Of the fleet.</param>
    /// <param name="time">Drives the slice.</param>
    public FleetBytes(RedisStore store, string tenant, TokenBucket local, int replicas, double bytesPerSecond, long burstBytes, TimeProvider time)
    {
        (_store, _local, _replicas, _bytesPerSecond, _burstBytes) = (store, local, replicas, bytesPerSecond, burstBytes);
        _keys = [$"{store.KeyPrefix}{{{tenant}}}:bytes"];
        Lease = new ByteLease(bytesPerSecond, burstBytes, time);
    }

    internal ByteLease Lease { get; }

    public void Change(double bytesPerSecond, long burstBytes)
    {
        Volatile.Write(ref _bytesPerSecond, bytesPerSecond);
        Volatile.Write(ref _burstBytes, burstBytes);
        Lease.Change(bytesPerSecond, burstBytes);
    }

    /// <summary>All or nothing. Completes at once unless the slice runs short.</summary>
    public ValueTask<(bool Admitted, TimeSpan? RetryAfter)> TakeAsync(long bytes)
    {
        if (_store.IsDegraded) return new(TakeLocally(bytes));
        switch (Lease.TryTake(bytes, out TimeSpan? retryAfter))
        {
            case LeaseVerdict.Taken:
                _local.Charge(bytes);
                if (Lease.TryBeginRefill(out LeaseRequest refill)) _ = AskAsync(refill);
                return new((true, null));
            case LeaseVerdict.Refused:
                return new((false, retryAfter));
            default:
                return AskForAsync(bytes);
        }
    }

    /// <summary>Gives back what is not used. Called every second.</summary>
    public void Tick()
    {
        if (!_store.IsDegraded && Lease.TryBeginReturn(always: false, out LeaseRequest request)) _ = AskAsync(request);
    }

    /// <summary>Gives all back: the gateway stops.</summary>
    public Task ReleaseAsync() => !_store.IsDegraded && Lease.TryBeginReturn(always: true, out LeaseRequest request) ? AskAsync(request) : Task.CompletedTask;

    private async ValueTask<(bool Admitted, TimeSpan? RetryAfter)> AskForAsync(long bytes)
    {
        _store.Metrics.WaitedForBytes();
        LeaseRequest request = Lease.BeginAsk(bytes);
        if (await AskAsync(request) is not { } answer) return TakeLocally(bytes);
        if (answer.Admitted) _local.Charge(bytes);
        return answer;
    }

    private (bool Admitted, TimeSpan? RetryAfter) TakeLocally(long bytes)
    {
        bool admitted = _local.TryTake(bytes, out TimeSpan? retryAfter);
        if (admitted) Lease.Owe(bytes);
        return (admitted, retryAfter);
    }

    /// <summary>Null: no answer.</summary>
    private async Task<(bool Admitted, TimeSpan? RetryAfter)?> AskAsync(LeaseRequest request)
    {
        RedisResult[]? answer = await _store.RunAsync(LimitScripts.Bytes, _keys,
        [
            Volatile.Read(ref _bytesPerSecond).ToString("R", CultureInfo.InvariantCulture), Volatile.Read(ref _burstBytes),
            request.Give, request.Need, request.Want, 2 * _replicas,
        ]);
        if (answer is not [var granted, var left])
        {
            Lease.Abandon(request);
            return null;
        }

        bool admitted = Lease.Complete(request, new LeaseGrant((long)granted, (long)left), out TimeSpan? retryAfter);
        return (admitted, retryAfter);
    }
}
