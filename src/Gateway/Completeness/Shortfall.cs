// What is missing of a source, worked out from three looks at its books. No clock and no state in here: the whole judgement is this arithmetic.
namespace LokiGateway.Gateway.Completeness;

/// <summary>Lines of one source, or of many, in the window.</summary>
/// <param name="Expected">Should be in Loki by now. Expected = Acked + Undecided + Rejected + Lost.</param>
/// <param name="Acked">Are.</param>
/// <param name="Undecided">Were read, but too long ago to be still on their way.</param>
/// <param name="Rejected">Were refused for good.</param>
/// <param name="Lost">Were gone before they could be read.</param>
internal readonly record struct Shortfall(long Expected, long Acked, long Undecided, long Rejected, long Lost)
{
    /// <summary>Loki has less than it should have.</summary>
    public bool IsShort => Acked < Expected;

    /// <summary>What part of the lines Loki has; 1 where none is expected.</summary>
    public double Ratio => Expected == 0 ? 1 : (double)Acked / Expected;

    /// <summary>Whether the alert is due: the ratio is under the threshold.</summary>
    public bool IsBelow(double threshold) => Ratio < threshold;

    /// <param name="first">At the beginning of the window.</param>
    /// <param name="due">At its end, a grace period ago: what was read by then should be decided now.</param>
    /// <param name="last">Now, or when the source was last heard of.</param>
    public static Shortfall Between(in BookSample first, in BookSample due, in BookSample last)
    {
        // What nobody decided over does not become complete by growing old: an endpoint that is down for hours keeps its lines in here.
        long undecided = Math.Max(0, due.Read - last.Decided);
        long read = Math.Max(due.Read - first.Read, undecided);
        long rejected = Math.Clamp(last.Rejected - first.Rejected, 0, read - undecided);
        long lost = last.Lost - first.Lost;
        return new Shortfall(read + lost, read - undecided - rejected, undecided, rejected, lost);
    }

    public static Shortfall operator +(in Shortfall a, in Shortfall b) =>
        new(a.Expected + b.Expected, a.Acked + b.Acked, a.Undecided + b.Undecided, a.Rejected + b.Rejected, a.Lost + b.Lost);
}
