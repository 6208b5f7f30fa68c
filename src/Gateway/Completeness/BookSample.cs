namespace LokiGateway.Gateway.Completeness;

/// <summary>The books of a source at one moment: lines since the gateway first heard of it, over restarts of its shipper. They only grow.</summary>
/// <param name="Millis">When they were heard of, monotonic.</param>
/// <param name="Read">Lines read. Those that a shipper had on its way when it died are not in it any more: the next one reads them again.</param>
/// <param name="Acked">Of these, what Loki has.</param>
/// <param name="Rejected">Of these, what was refused for good.</param>
/// <param name="Lost">Lines that were gone before they could be read; beside the others.</param>
internal readonly record struct BookSample(long Millis, long Read, long Acked, long Rejected, long Lost)
{
    public long Decided => Acked + Rejected;
}
