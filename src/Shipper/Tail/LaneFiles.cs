namespace LokiGateway.Shipper.Tail;

/// <summary>
/// The files of one lane in the order in which they are due: busy files on every pass, idle ones once a second, spread over the second, so
/// that 10,000 idle files cost 10,000 looks a second and no burst. Lane thread only.
/// </summary>
internal sealed class LaneFiles(TimeProvider time)
{
    public int Count => throw new NotImplementedException($"{time}");

    /// <summary>A new file, or one whose predecessor may hold it back: due at once.</summary>
    public void Add(TailedFile file) => throw new NotImplementedException($"{file}");

    /// <summary>Fills <paramref name="due"/> with the files to look at in this pass. Every one must be given back by <see cref="Return"/> or let go.</summary>
    public void TakeDue(List<TailedFile> due) => throw new NotImplementedException($"{due}");

    /// <summary>Gives a file back: <paramref name="busy"/> (it had data, or is held back) = due on the next pass, else a second later.</summary>
    public void Return(TailedFile file, bool busy) => throw new NotImplementedException($"{file} {busy}");
}
