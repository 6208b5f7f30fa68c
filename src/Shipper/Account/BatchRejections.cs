// Loki says of a batch how many entries it refused, and only sometimes which. The books of the sources must close all the same, so what it left open is
// shared out, and said to be an estimate.
using LokiGateway.Shipper.Batch;
using LokiGateway.Shipper.Send;

namespace LokiGateway.Shipper.Account;

/// <summary>
/// How many entries of each part of a batch were refused. Invariant: no part has more of them than entries, and together they are exactly what was
/// told (or all of the batch, if less).
/// </summary>
internal sealed class BatchRejections
{
    private readonly ReasonCounts[] _byPart;
    private readonly bool[] _partEstimated;
    private readonly bool[] _sourceEstimated;

    private BatchRejections(int parts) => (_byPart, _partEstimated, _sourceEstimated) = (new ReasonCounts[parts], new bool[parts], new bool[parts]);

    public ref readonly ReasonCounts Of(int part) => ref _byPart[part];

    /// <summary>True: which part (so which minute) they belong to was worked out.</summary>
    public bool IsPartEstimated(int part) => _partEstimated[part];

    /// <summary>True: even which source they belong to was worked out.</summary>
    public bool IsSourceEstimated(int part) => _sourceEstimated[part];

    /// <param name="parts">The parts of the batch.</param>
    /// <param name="rejected">What was refused.</param>
    /// <param name="isIn">Whether a part may have entries in the stream with this label text.</param>
    public static BatchRejections Attribute(IReadOnlyList<BatchPart> parts, IReadOnlyList<RejectedLines> rejected, Func<BatchPart, string, bool> isIn)
    {
        var shares = new BatchRejections(parts.Count);
        var candidates = new List<int>(parts.Count);
        // What is told exactly takes its place first; the others share what is left.
        foreach (RejectedLines one in rejected.OrderBy(static one => one.Stream is null))
        {
            candidates.Clear();
            for (int i = 0; i < parts.Count; i++)
                if (one.Stream is null || isIn(parts[i], one.Stream)) candidates.Add(i);
            long left = shares.Share(parts, candidates, one.Reason, one.Lines);
            if (left == 0) continue;
            // A stream that we do not know, or that has fewer entries than it was said to: the sum must hold, so others take the rest.
            candidates.Clear();
            candidates.AddRange(Enumerable.Range(0, parts.Count));
            shares.Share(parts, candidates, one.Reason, left);
        }
        return shares;
    }

    /// <summary>Shares lines out in proportion to the entries that are not refused yet; returns what found no place.</summary>
    private long Share(IReadOnlyList<BatchPart> parts, List<int> candidates, string reason, long lines)
    {
        long room = 0;
        foreach (int i in candidates) room += parts[i].Lines - _byPart[i].Total;
        long toShare = Math.Min(lines, room);
        bool isExact = toShare == room || candidates.Count == 1;
        bool isSourceExact = isExact || candidates.TrueForAll(i => ReferenceEquals(parts[i].Origin.Source, parts[candidates[0]].Origin.Source));
        long left = toShare;
        foreach (int i in candidates)
        {
            long here = parts[i].Lines - _byPart[i].Total;
            // Of what is left to those who are left: rounding never loses nor invents one, and never gives a part more than it has.
            long share = room == 0 ? 0 : (long)((Int128)left * here / room);
            if (left - share > room - here) share = left - (room - here);
            _byPart[i].Add(reason, share);
            _partEstimated[i] |= share > 0 && !isExact;
            _sourceEstimated[i] |= share > 0 && !isSourceExact;
            left -= share;
            room -= here;
        }
        return lines - toShare;
    }
}
