namespace LokiGateway.Shipper.Send;

/// <summary>A sample of what was refused for good, as the dead-letter file keeps it.</summary>
/// <param name="Tenant">Whose; empty: the tenant of an endpoint without tenants.</param>
/// <param name="Labels">Label text of its stream; empty: Loki's text did not tell which.</param>
/// <param name="UnixNanos">Its time; null: not known which entry it was.</param>
/// <param name="Line">The beginning of its line, valid UTF-8; null: not known which entry it was.</param>
/// <param name="LineBytes">Length of the whole line.</param>
/// <param name="Reason">Loki's reason word.</param>
/// <param name="Answer">Status and first line of the answer; empty when the entry was kept back before it was sent.</param>
/// <param name="Entries">How many refused entries this one stands for.</param>
internal readonly record struct RejectedEntry(
    string Tenant, string Labels, long? UnixNanos, byte[]? Line, int LineBytes, string Reason, string Answer, long Entries)
{
    /// <summary>A line's beginning tells what it was; more would make the dead-letter file a second log.</summary>
    public const int SampleBytesMax = 1024;

    /// <summary>The beginning of a line, not cut within a UTF-8 sequence.</summary>
    public static byte[] SampleOf(ReadOnlySpan<byte> line)
    {
        if (line.Length <= SampleBytesMax) return line.ToArray();
        int keep = SampleBytesMax;
        while (keep > 0 && (line[keep] & 0xC0) == 0x80) keep--;
        return line[..keep].ToArray();
    }
}

/// <summary>Takes samples of refused entries. Any thread; never waits and never throws.</summary>
internal abstract class RejectedEntries
{
    /// <summary>Whether samples are kept at all.</summary>
    public abstract bool IsOn { get; }

    /// <summary>Asked once for each sample before it is made, as refused entries come by the million. False: it is counted as skipped.</summary>
    public abstract bool MayKeep();

    public abstract void Keep(in RejectedEntry entry);

    /// <summary>Keeps nothing.</summary>
    public static RejectedEntries None { get; } = new Unwanted();

    private sealed class Unwanted : RejectedEntries
    {
        public override bool IsOn => false;

        public override bool MayKeep() => false;

        public override void Keep(in RejectedEntry entry)
        {
        }
    }
}
