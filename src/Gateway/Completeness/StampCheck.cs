// Does a shipper claim more than this gateway has seen Loki take? Its batch stamps say how many lines it believes acknowledged; the gateway counts by itself.
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Gateway.Completeness;

/// <summary>
/// The stamps of one shipper and tenant. Thread-safe. Only a gateway that has had every push of a shipper since its start can contradict it: with several
/// replicas, or after a restart, none is.
/// </summary>
internal sealed class StampCheck
{
    /// <summary>Pushes overtake one another by the number of senders; more gaps than this mean that others get the rest.</summary>
    private const int GapsMax = 64;

    private readonly Lock _gate = new();
    private IntervalSet _seen = new();
    private long _epoch = -1;
    private long _ackedHere;
    private bool _isPartial;

    /// <summary>Monotonic time of the last stamp.</summary>
    public long LastMillis { get; private set; }

    /// <summary>Lines of the shipper's current epoch that Loki took from this gateway, or may have taken.</summary>
    public long AckedHere { get { lock (_gate) return _ackedHere; } }

    /// <summary>A push arrives. False: the stamp claims more acknowledged lines than there can be.</summary>
    public bool Arrived(in BatchStamp stamp, long millis)
    {
        lock (_gate)
        {
            LastMillis = millis;
            if (stamp.Epoch < _epoch) return true;
            if (stamp.Epoch > _epoch) (_epoch, _seen, _ackedHere, _isPartial) = (stamp.Epoch, new IntervalSet(), 0, false);
            if (_isPartial) return true;
            _seen.Add(stamp.Sequence, stamp.Sequence + 1);
            _isPartial = _seen.Intervals.Count > GapsMax;
            bool hasAllBefore = _seen.Intervals is [{ From: <= 1 } first, ..] && first.To > stamp.Sequence;
            return !hasAllBefore || stamp.Acked <= _ackedHere;
        }
    }

    /// <summary>Loki has answered a push: so many of its lines are stored, or may be.</summary>
    public void Answered(in BatchStamp stamp, long lines)
    {
        lock (_gate)
        {
            if (stamp.Epoch == _epoch) _ackedHere += lines;
        }
    }
}
