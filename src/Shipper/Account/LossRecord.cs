namespace LokiGateway.Shipper.Account;

/// <summary>
/// One named loss: lines that will never be shipped, and everything that is known of them. A loss of lines that were never read is not part of
/// <c>read</c>: it stands beside the books.
/// </summary>
/// <param name="At">When it was noticed.</param>
/// <param name="Tenant">Whose lines they were; empty: the tenant of an endpoint without tenants.</param>
/// <param name="Source">namespace/pod/container, or the path of a host log.</param>
/// <param name="Path">Where the file was last.</param>
/// <param name="File">Which generation: <see cref="Tail.FileIdentity.ToString"/>.</param>
/// <param name="FromOffset">First byte of it that was not read.</param>
/// <param name="ToOffset">The byte behind the last; not below <paramref name="FromOffset"/>. Of a .gz: of its decompressed content, and equal to
/// <paramref name="FromOffset"/> when its length is not known.</param>
/// <param name="FirstEntry">Time of the entry before the gap; null: not known.</param>
/// <param name="LastEntry">Latest time that an entry in it can have; null: not known.</param>
/// <param name="Lines">How many.</param>
/// <param name="LinesExact">False: <paramref name="Lines"/> is the bytes over the average length of the source's lines.</param>
/// <param name="Reason">Why.</param>
internal sealed record LossRecord(
    DateTimeOffset At, string Tenant, string Source, string Path, string File, long FromOffset, long ToOffset, DateTimeOffset? FirstEntry,
    DateTimeOffset? LastEntry, long Lines, bool LinesExact, LossReason Reason)
{
    public long Bytes => ToOffset - FromOffset;
}
