// Every instrument of the shipper, under the names that docs/METRICS.md lists. Counters of work are added to per chunk or request; the books and the states are
// taken from one picture when the page is fetched, so that they agree with each other on every page.
using LokiGateway.Shipper.Account;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Label;
using LokiGateway.Shipper.Send;
using Prometheus;

namespace LokiGateway.Shipper;

/// <summary>Any thread. No series per file or tenant: their number is not ours to bound.</summary>
internal sealed class ShipperMetrics : SendObserver, ILabelObserver
{
    private readonly CollectorRegistry _registry;
    private readonly MetricFactory _metrics;
    private readonly Counter _readBytes;
    private readonly Counter _sentBytes;
    private readonly Counter _sentBatches;
    private readonly Counter _retries;
    private readonly Counter _resentLines;
    private readonly Counter _truncatedLines;
    private readonly Counter _invalidUtf8Lines;
    private readonly Counter _readTimedLines;
    private readonly Counter _frameErrors;
    private readonly Counter _bufferWaits;
    private readonly Counter _redactedLines;
    private readonly Counter _splitBlocks;
    private readonly Counter _droppedLabels;
    private readonly Counter _overflowFiles;
    private readonly Counter _tenantFallbacks;
    private readonly Counter _credentialErrors;
    private readonly Gauge _certificateEnds;
    private readonly Counter _deadLetters;
    private readonly Counter _reportsSent;
    private readonly Counter _reportsFailed;
    private readonly Counter _ledgerRecords;
    private readonly Counter _ledgerRecordsRejected;
    private readonly Counter _lostLines;
    private readonly Counter _lostBytes;

    public ShipperMetrics(CollectorRegistry registry)
    {
        _registry = registry;
        _metrics = Metrics.WithCustomRegistry(registry);
        _readBytes = _metrics.CreateCounter("loki_shipper_read_bytes_total", "Bytes of log files that were read and framed.");
        _sentBytes = _metrics.CreateCounter("loki_shipper_sent_bytes_total", "Bytes of request bodies sent, compressed, repetitions included.");
        _sentBatches = _metrics.CreateCounter("loki_shipper_sent_batches_total", "Push requests sent, repetitions included.");
        _retries = _metrics.CreateCounter("loki_shipper_retries_total",
            "Push requests that failed and are sent again, by HTTP status, or timeout, connection, tls or credentials when there was no answer.", "status");
        _resentLines = _metrics.CreateCounter("loki_shipper_resent_lines_total",
            "Log entries sent again that the endpoint may already have, because its answer was lost. Loki removes these duplicates.");
        _truncatedLines = _metrics.CreateCounter("loki_shipper_truncated_lines_total", "Log entries cut to limits.max_line_size; they end in [truncated].");
        _invalidUtf8Lines = _metrics.CreateCounter("loki_shipper_invalid_utf8_lines_total", "Log entries in which bytes that are not UTF-8 were replaced by U+FFFD.");
        _readTimedLines = _metrics.CreateCounter("loki_shipper_read_timed_lines_total",
            "Log entries stamped with the time of reading because their file shows no times: the only ones that a crash can duplicate.");
        _frameErrors = _metrics.CreateCounter("loki_shipper_frame_errors_total",
            "Lines that do not have their file's format and were shipped as they are: not_cri, not_docker, unfinished (a line in parts without its end).", "reason");
        _credentialErrors = _metrics.CreateCounter("loki_shipper_credential_errors_total",
            "Looks at a file of secrets that found it unusable: bearer_token_file, password_file, tls. The last good ones stay in use.", "file");
        _certificateEnds = _metrics.CreateGauge("loki_shipper_tls_certificate_not_after_timestamp_seconds",
            "When a certificate of the endpoint's connections ends: ca (the first of ca_file), client (cert_file), server (as last shown).", "certificate");
        _bufferWaits = _metrics.CreateCounter("loki_shipper_buffer_waits_total", "Times that reading waited because all buffers of limits.memory were in use.");
        _redactedLines = _metrics.CreateCounter("loki_shipper_redacted_lines_total", "Log entries in which a rule of redact replaced something.");
        _splitBlocks = _metrics.CreateCounter("loki_shipper_multiline_splits_total",
            "Entries of multiline sources that were ended by max_lines, max_bytes or limits.memory while their lines went on.");
        _droppedLabels = _metrics.CreateCounter("loki_shipper_dropped_labels_total", "Labels that were left out because a stream may have 15, once per file and label.");
        _overflowFiles = _metrics.CreateCounter("loki_shipper_overflow_files_total",
            "Files that are shipped with few labels because their source has max_streams label sets.");
        _tenantFallbacks = _metrics.CreateCounter("loki_shipper_tenant_fallback_files_total",
            "Files that go to tenant_id because the tenant that their path or label names is no valid tenant id (invalid) or one too many (too_many).", "reason");
        foreach (string reason in new[] { "invalid", "too_many" }) _tenantFallbacks.WithLabels(reason);
        _reportsSent = _metrics.CreateCounter("loki_shipper_ledger_reports_sent_total", "Posts of the books to /shipper/v1/report that were taken.");
        _reportsFailed = _metrics.CreateCounter("loki_shipper_ledger_reports_failed_total",
            "Posts of the books that were not taken, those included that nobody wanted (404). The next one says the same again.");
        _ledgerRecords = _metrics.CreateCounter("loki_shipper_ledger_records_total", "Records of the ledger stream that the endpoint acknowledged.");
        _ledgerRecordsRejected = _metrics.CreateCounter("loki_shipper_ledger_records_rejected_total",
            "Records of the ledger stream that the endpoint refused for good.");
        _lostLines = _metrics.CreateCounter("loki_shipper_lost_lines_total",
            "Log entries that were gone before they could be read, by reason; partly estimated: GET /api/v1/losses names each loss.", "reason");
        _lostBytes = _metrics.CreateCounter("loki_shipper_lost_bytes_total", "Bytes of log that were gone before they could be read, by reason.", "reason");
        _deadLetters = _metrics.CreateCounter("loki_shipper_dead_letter_entries_total",
            "Samples of refused entries, by outcome: written to the dead-letter file, skipped (more came than are kept), failed (the disk refused).", "outcome");
        // From the first page on, so that an increase from nothing shows in a rate.
        foreach (LossReason reason in LossReasons.All) Lost(reason, 0, 0);
    }

    public void Framed(long bytes, in FrameCounts counts)
    {
        _readBytes.Inc(bytes);
        if (counts.Truncated > 0) _truncatedLines.Inc(counts.Truncated);
        if (counts.InvalidUtf8 > 0) _invalidUtf8Lines.Inc(counts.InvalidUtf8);
        if (counts.ReadTimed > 0) _readTimedLines.Inc(counts.ReadTimed);
        if (counts.Redacted > 0) _redactedLines.Inc(counts.Redacted);
        if (counts.SplitBlocks > 0) _splitBlocks.Inc(counts.SplitBlocks);
        if (counts.NotCri > 0) _frameErrors.WithLabels("not_cri").Inc(counts.NotCri);
        if (counts.NotDocker > 0) _frameErrors.WithLabels("not_docker").Inc(counts.NotDocker);
        if (counts.Unfinished > 0) _frameErrors.WithLabels("unfinished").Inc(counts.Unfinished);
    }

    public void LabelsDropped(int labels) => _droppedLabels.Inc(labels);

    public void StreamsOverflowed() => _overflowFiles.Inc();

    public void TenantRefused(string reason) => _tenantFallbacks.WithLabels(reason).Inc();

    public void ReportSent() => _reportsSent.Inc();

    public void ReportFailed() => _reportsFailed.Inc();

    public void LedgerRecords(long acked, long rejected)
    {
        _ledgerRecords.Inc(acked);
        _ledgerRecordsRejected.Inc(rejected);
    }

    public void WaitedForBuffer() => _bufferWaits.Inc();

    public void Lost(LossReason reason, long lines, long bytes)
    {
        _lostLines.WithLabels(reason.Text()).Inc(lines);
        _lostBytes.WithLabels(reason.Text()).Inc(bytes);
    }

    public void DeadLetters(string outcome, long entries) => _deadLetters.WithLabels(outcome).Inc(entries);

    public override void Sent(int compressedBytes)
    {
        _sentBytes.Inc(compressedBytes);
        _sentBatches.Inc();
    }

    public override void Retried(string status) => _retries.WithLabels(status).Inc();

    public override void CredentialsUnusable(string file) => _credentialErrors.WithLabels(file).Inc();

    public override void CertificateSeen(string whose, DateTimeOffset notAfter) =>
        _certificateEnds.WithLabels(whose).Set((notAfter - DateTimeOffset.UnixEpoch).TotalSeconds);

    public override void Resent(long lines) => _resentLines.Inc(lines);

    /// <summary>Books and states, read when the page is fetched.</summary>
    public void Observe(Func<ShipperGauges> read)
    {
        Counter readLines = _metrics.CreateCounter("loki_shipper_read_lines_total", "Log entries read. A line written in parts (P, F) is one entry.");
        Counter ackedLines = _metrics.CreateCounter("loki_shipper_acked_lines_total", "Log entries that the endpoint acknowledged.");
        Counter rejectedLines = _metrics.CreateCounter("loki_shipper_rejected_lines_total",
            "Log entries that the endpoint refused for good, or would for certain and was not sent, by Loki's reason. They are not sent again.", "reason");
        Gauge parked = _metrics.CreateGauge("loki_shipper_parked_bytes",
            "Memory of what waits outside the batch buffers: streams that are over a limit of theirs, and batches that fail again and again.");
        Gauge inFlight = _metrics.CreateGauge("loki_shipper_in_flight_lines", "Log entries in open batches and undecided requests.");
        Gauge imbalance = _metrics.CreateGauge("loki_shipper_ledger_imbalance_lines", "read - acked - rejected - in flight. Anything but 0 is a bug.");
        Gauge lagBytes = _metrics.CreateGauge("loki_shipper_lag_bytes", "Bytes in followed files that are not read yet.");
        Gauge lagSeconds = _metrics.CreateGauge("loki_shipper_lag_seconds", "Age of the oldest entry that is read and not acknowledged; 0 when there is none.");
        Gauge untilLoss = _metrics.CreateGauge("loki_shipper_seconds_until_loss",
            "When the node deletes the first lines that are not acknowledged, if all goes on as in the last 15 seconds; +Inf: nothing is in danger.");
        Gauge files = _metrics.CreateGauge("loki_shipper_files_active", "Files that are open and followed.");
        Gauge skipped = _metrics.CreateGauge("loki_shipper_files_skipped", "Files that match a source and cannot be read or are left out; the log says which and why.");
        Gauge held = _metrics.CreateGauge("loki_shipper_endpoint_held",
            "1 while the endpoint refuses pushes until somebody changes something (260, 401, 403, 404, 405). Nothing is lost meanwhile.");
        Gauge lastAck = _metrics.CreateGauge("loki_shipper_last_ack_timestamp_seconds", "When the endpoint last decided over a push; 0: never.");
        Gauge checkpoint = _metrics.CreateGauge("loki_shipper_checkpoint_timestamp_seconds",
            "When all acknowledged positions were last known to be on disk; 0: never. Grows old when saving fails.");
        Counter checkpointFailures = _metrics.CreateCounter("loki_shipper_checkpoint_failures_total", "Saves of the positions that failed.");
        Gauge ledgerPending = _metrics.CreateGauge("loki_shipper_ledger_records_pending",
            "Records of the ledger stream that wait for the end of their minute or for the endpoint.");
        Counter ledgerDropped = _metrics.CreateCounter("loki_shipper_ledger_dropped_lines_total",
            "Log entries that were shipped and are not in the ledger stream, because too many of its records waited.");
        Gauge buffers = _metrics.CreateGauge("loki_shipper_buffer_bytes", "Memory held for batches.");
        _registry.AddBeforeCollectCallback(() =>
        {
            ShipperGauges now = read();
            readLines.IncTo(now.Books.Read);
            ackedLines.IncTo(now.Books.Acked);
            foreach ((string reason, long lines) in now.Rejected) rejectedLines.WithLabels(reason).IncTo(lines);
            inFlight.Set(now.Books.InFlight);
            imbalance.Set(now.Books.Imbalance);
            lagBytes.Set(now.LagBytes);
            lagSeconds.Set(now.LagSeconds);
            untilLoss.Set(now.SecondsUntilLoss);
            files.Set(now.FilesActive);
            skipped.Set(now.FilesSkipped);
            held.Set(now.IsHeld ? 1 : 0);
            lastAck.Set(now.LastAckUnixSeconds);
            checkpoint.Set(now.CheckpointUnixSeconds);
            checkpointFailures.IncTo(now.CheckpointFailures);
            buffers.Set(now.BufferBytes);
            parked.Set(now.ParkedBytes);
            ledgerPending.Set(now.LedgerPending);
            ledgerDropped.IncTo(now.LedgerDroppedLines);
        });
    }
}

/// <summary>Books and states at one moment, for <see cref="ShipperMetrics.Observe"/>.</summary>
internal readonly record struct ShipperGauges(
    AccountSnapshot Books, IReadOnlyDictionary<string, long> Rejected, long LagBytes, double LagSeconds, double SecondsUntilLoss, long FilesActive, long FilesSkipped,
    double LastAckUnixSeconds, double CheckpointUnixSeconds, long CheckpointFailures, long BufferBytes, bool IsHeld,
    long ParkedBytes, long LedgerPending, long LedgerDroppedLines);
