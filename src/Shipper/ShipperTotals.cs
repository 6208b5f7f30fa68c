// A record of counters cannot be read field by field while they move: this is one consistent picture of them.
namespace LokiGateway.Shipper;

/// <summary>The shipper's books at one moment, over all tenants: always ReadLines = AckedLines + RejectedLines + InFlightLines.</summary>
/// <param name="ReadLines">Entries framed from files since start (a joined partial line is one entry).</param>
/// <param name="AckedLines">Entries that Loki answered 2xx for.</param>
/// <param name="RejectedLines">Entries that Loki refused for good; each has a reason in the metrics.</param>
/// <param name="LostLines">Entries known to be gone before they could be read; not part of ReadLines.</param>
/// <param name="InFlightLines">Entries in open batches and in requests that are not answered yet, counted from the batches themselves.</param>
/// <param name="ReadBytes">Bytes of log files that became entries.</param>
/// <param name="LagBytes">Bytes in known files behind which reading is.</param>
/// <param name="FilesActive">Files that are followed now.</param>
public readonly record struct ShipperTotals(
    long ReadLines, long AckedLines, long RejectedLines, long LostLines, long InFlightLines, long ReadBytes, long LagBytes, long FilesActive);
