// The books of one source over the last minutes. Reports are cumulative, so every gateway can judge by those that happen to come its way: with several
// replicas, or after a restart, it has fewer looks, and all of them are right.
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Gateway.Completeness;

/// <summary>Under its node's lock. Twenty looks: 1 KiB.</summary>
internal sealed class SourceHistory(long stepMillis)
{
    /// <summary>Looks that are kept over window and grace.</summary>
    public const int Looks = 16;

    // Oldest first from _start on. The last one may lie less than a step behind the one before it; then the next replaces it.
    private readonly BookSample[] _samples = new BookSample[Looks + 4];
    private int _start;
    private int _count;
    private BookSample _before;
    private bool _isNewEpoch;

    /// <summary>As it was reported last.</summary>
    public SourceReport Last { get; private set; } = null!;

    /// <summary>When that was, monotonic.</summary>
    public long LastMillis => Sample(_count - 1).Millis;

    /// <summary>The source is new to a shipper that was heard before: it has read nothing of it at this time.</summary>
    public void BeginEmpty(long millis) => Add(new BookSample(millis, 0, 0, 0, 0));

    /// <summary>
    /// The shipper was started again, and its next counts begin at 0. What it had on its way when it died it reads again, or it was told of an answer that it
    /// did not live to report: neither is missing.
    /// </summary>
    public void BeginEpoch(long millis)
    {
        BookSample ended = Sample(_count - 1);
        _before = new BookSample(millis, Bounded(ended.Decided), Bounded(ended.Acked), Bounded(ended.Rejected), Bounded(ended.Lost));
        _isNewEpoch = true;
        Add(_before);
    }

    /// <param name="report">What the shipper says of it.</param>
    /// <param name="millis">Now.</param>
    public void Take(SourceReport report, long millis)
    {
        // One that was gone and comes back begins at 0, too.
        if (!_isNewEpoch && Last is { } last && (report.Read < last.Read || report.Acked < last.Acked || report.RejectedLines < last.RejectedLines
            || report.LostLines < last.LostLines))
        {
            BeginEpoch(millis);
        }

        (Last, _isNewEpoch) = (report, false);
        Add(new BookSample(
            millis, _before.Read + report.Read, _before.Acked + report.Acked, _before.Rejected + report.RejectedLines, _before.Lost + report.LostLines));
    }

    /// <summary>What is missing of it; null: it is not known for long enough.</summary>
    public Shortfall? Judge(long nowMillis, long windowMillis, long graceMillis)
    {
        if (At(nowMillis - graceMillis) is not { } due) return null;
        BookSample first = At(nowMillis - graceMillis - windowMillis) ?? Sample(0);
        return Shortfall.Between(first, due, Sample(_count - 1));
    }

    /// <summary>A report has at most 2^52 of anything; a sender that begins anew again and again must not make the sums overflow.</summary>
    private static long Bounded(long lines) => Math.Min(lines, 1L << 60);

    private BookSample? At(long millis)
    {
        for (int i = _count - 1; i >= 0; i--)
        {
            if (Sample(i).Millis <= millis) return Sample(i);
        }

        return null;
    }

    private void Add(in BookSample sample)
    {
        if (_count >= 2 && Sample(_count - 1).Millis - Sample(_count - 2).Millis < stepMillis) _count--;
        if (_count == _samples.Length)
        {
            _start = (_start + 1) % _samples.Length;
            _count--;
        }

        _samples[(_start + _count) % _samples.Length] = sample;
        _count++;
    }

    private ref readonly BookSample Sample(int index) => ref _samples[(_start + index) % _samples.Length];
}
