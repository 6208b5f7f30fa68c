// A gateway's slice of a tenant's byte budget. Asking Redis for every push would put its latency into every push; so bytes are leased ahead by demand, used up here, and
// given back when they are not used. This file is the arithmetic alone: no Redis, no waiting.
namespace LokiGateway.Gateway.Admit.Redis;

/// <summary>
/// Bytes that this gateway may admit without asking. Thread-safe. Every byte is in one place only (bucket, slice, push), so that all gateways together never admit more
/// than rate * t + burst since the bucket was full; a request whose answer is lost loses bytes and makes none. Within any other span of time what was leased
/// before it may come on top: of all gateways together never more than seven eighths of the burst (the bucket leases nothing ahead out of the last), and
/// nothing that lay unused for a second.
/// </summary>
internal sealed class ByteLease(double bytesPerSecond, long burstBytes, TimeProvider time)
{
    /// <summary>What is leased ahead: at half of it more is asked for, which leaves 250 ms for the answer.</summary>
    private const double AheadSeconds = 0.5;

    /// <summary>The demand forgets at this pace.</summary>
    private const double DemandSeconds = 1;

    /// <summary>The least that is leased ahead, so that the first pushes of a tenant need not wait until its demand is known.</summary>
    private const long AheadBytesMin = 64 * 1024;

    /// <summary>A bucket that had too little to lease ahead is not asked again at once.</summary>
    private static readonly TimeSpan RefillPause = TimeSpan.FromMilliseconds(50);

    /// <summary>Unused so long, it goes back; and so long an empty bucket is taken to fill by its rate only, whatever others give back.</summary>
    private static readonly TimeSpan UnusedMax = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private double _rate = bytesPerSecond;
    private long _burst = burstBytes;
    private long _available;

    /// <summary>Bytes wanted ahead by requests under way.</summary>
    private long _asked;

    /// <summary>Bytes admitted while Redis could not be asked.</summary>
    private long _owed;

    private double _demand;
    private long _demandAt = time.GetTimestamp();
    private long _largest;
    private long? _dryAt;

    /// <summary>After a refusal: what the bucket had, at most, and when.</summary>
    private (long Bytes, long At)? _empty;

    /// <summary>For tests.</summary>
    internal long Available
    {
        get
        {
            lock (_lock) return _available;
        }
    }

    /// <summary>
    /// Takes the bytes out of the slice. <see cref="LeaseVerdict.Refused"/> tells when there will be enough, null: never. <see cref="LeaseVerdict.Ask"/>: only the
    /// bucket knows.
    /// </summary>
    public LeaseVerdict TryTake(long bytes, out TimeSpan? retryAfter)
    {
        lock (_lock)
        {
            retryAfter = null;
            if (bytes > _burst) return LeaseVerdict.Refused;
            if (bytes <= _available)
            {
                _available -= bytes;
                Observe(bytes);
                return LeaseVerdict.Taken;
            }

            if (_empty is not { } empty) return LeaseVerdict.Ask;
            TimeSpan age = time.GetElapsedTime(empty.At);
            double most = empty.Bytes + _available + Math.Max(0, _rate) * age.TotalSeconds;
            if (age > UnusedMax || bytes <= most) return LeaseVerdict.Ask;
            retryAfter = WaitFor(bytes - most);
            return LeaseVerdict.Refused;
        }
    }

    /// <summary>A request for a push that is not covered. What is left of the slice goes back with it, so that near the limit nothing is kept from other gateways.</summary>
    public LeaseRequest BeginAsk(long bytes)
    {
        lock (_lock)
        {
            long give = TakeBack();
            // A push is asked for before it is counted: the slice must hold at least one more of its kind.
            _largest = Math.Max(_largest, bytes);
            return Begin(give, bytes, Math.Max(0, Target - _asked));
        }
    }

    /// <summary>A request ahead of demand, when the slice is half used up and none is under way.</summary>
    public bool TryBeginRefill(out LeaseRequest request)
    {
        request = default;
        // Read without the lock: the next push looks again.
        if (Volatile.Read(ref _asked) > 0) return false;
        lock (_lock)
        {
            long target = Target;
            if (_asked > 0 || _available >= target / 2 || (_dryAt is { } at && time.GetElapsedTime(at) < RefillPause)) return false;
            request = Begin(0, 0, target - _available);
            return request.Want > 0;
        }
    }

    /// <summary>What has not been used for a second, and what is owed.</summary>
    public bool TryBeginReturn(bool always, out LeaseRequest request)
    {
        request = default;
        lock (_lock)
        {
            bool isUnused = _available > 0 && (always || time.GetElapsedTime(_demandAt) >= UnusedMax);
            if (!isUnused && _owed == 0) return false;
            request = Begin(TakeBack(), 0, 0);
            return true;
        }
    }

    /// <summary>Takes in what was granted. Whether the push that waited may pass.</summary>
    public bool Complete(in LeaseRequest request, in LeaseGrant grant, out TimeSpan? retryAfter)
    {
        lock (_lock)
        {
            _asked -= request.Want;
            retryAfter = null;
            if (grant.Granted < request.Need)
            {
                _empty = (grant.Left, request.SentAt);
                retryAfter = WaitFor(request.Need - grant.Left);
                return false;
            }

            _dryAt = grant.Granted - request.Need < request.Want ? time.GetTimestamp() : null;
            if (request.Need > 0)
            {
                _empty = null;
                Observe(request.Need);
            }

            // A limit that was lowered meanwhile.
            _available = Math.Min(_available + grant.Granted - request.Need, _burst);
            return true;
        }
    }

    /// <summary>No answer came. Whether the bucket was charged is not known: what was given is lost, what was owed is forgotten.</summary>
    public void Abandon(in LeaseRequest request)
    {
        lock (_lock) _asked -= request.Want;
    }

    /// <summary>Bytes that passed by the local limit: the bucket must know, or every outage would be worth another burst.</summary>
    public void Owe(long bytes)
    {
        lock (_lock) _owed += bytes;
    }

    /// <summary>Takes on a changed limit.</summary>
    public void Change(double bytesPerSecond, long burstBytes)
    {
        lock (_lock)
        {
            (_rate, _burst, _empty) = (bytesPerSecond, burstBytes, null);
            _available = Math.Min(_available, burstBytes);
        }
    }

    /// <summary>Half a second of demand, and two pushes at least.</summary>
    private long Target => Math.Min(_burst, Math.Max((long)(DemandNow() * AheadSeconds), Math.Max(2 * _largest, AheadBytesMin)));

    private LeaseRequest Begin(long give, long need, long want)
    {
        _asked += want;
        return new LeaseRequest(give, need, want, time.GetTimestamp());
    }

    private long TakeBack()
    {
        long give = _available - _owed;
        (_available, _owed) = (0, 0);
        return give;
    }

    private void Observe(long bytes)
    {
        _demand = DemandNow() + bytes / DemandSeconds;
        _demandAt = time.GetTimestamp();
        // Forgotten by a hundred smaller ones.
        _largest = Math.Max(bytes, _largest - _largest / 64);
    }

    private double DemandNow() => _demand * Math.Exp(-time.GetElapsedTime(_demandAt).TotalSeconds / DemandSeconds);

    private TimeSpan? WaitFor(double bytes) =>
        _rate <= 0 ? null : TimeSpan.FromSeconds(Math.Min(bytes / _rate, TimeSpan.FromDays(1).TotalSeconds));
}
