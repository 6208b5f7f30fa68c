using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper;

/// <summary>Everything the shipper says, in one place, so that an operator's grep and a writer's choice of words meet.</summary>
internal static partial class Log
{
    // Discover, Tail, Commit: 100-199.

    [LoggerMessage(100, LogLevel.Information, "following file")]
    public static partial void Following(ILogger log, string path, int source, long offset, int lane);

    [LoggerMessage(101, LogLevel.Information, "file was emptied or replaced in place, reading it from its beginning")]
    public static partial void ContentReplaced(ILogger log, string path, long readOffset, long size, long unreadBytes);

    [LoggerMessage(103, LogLevel.Information, "file is not read")]
    public static partial void Skipped(ILogger log, string path, string reason);

    [LoggerMessage(104, LogLevel.Warning, "file cannot be read, will try again")]
    public static partial void SkippedForTrouble(ILogger log, string path, string reason);

    [LoggerMessage(105, LogLevel.Warning, "directory cannot be read, its logs are not shipped; will try again")]
    public static partial void DirectoryUnreadable(ILogger log, string path, string error);

    [LoggerMessage(106, LogLevel.Warning,
        "no more inotify watches, new files are found by polling (a second later on an ordinary node); raise fs.inotify.max_user_watches or " +
        "max_user_instances if that is too slow")]
    public static partial void InotifyExhausted(ILogger log, int watched, string error);

    [LoggerMessage(107, LogLevel.Debug, "two names lead to one file, it is read once")]
    public static partial void SecondName(ILogger log, string path, string readAs);

    [LoggerMessage(108, LogLevel.Warning, "file was emptied or replaced while the shipper was down, reading it from its beginning")]
    public static partial void ReplacedWhileDown(ILogger log, string path, long offset);

    [LoggerMessage(124, LogLevel.Warning, "a compressed generation is damaged; what comes before the damage is read")]
    public static partial void GzipDamaged(ILogger log, string path, long readableBytes, string error);

    [LoggerMessage(125, LogLevel.Warning,
        "giving up a deleted file that is not read to its end: deleted files that are held open take more disk than limits.deleted_files_bytes")]
    public static partial void DeletedFileGivenUp(ILogger log, string path, long fileBytes, long heldBytes, long limitBytes);

    [LoggerMessage(109, LogLevel.Warning, "a rotated generation was compressed, unread, and cannot be decompressed: its lines are lost")]
    public static partial void CompressedUnread(ILogger log, string path);

    [LoggerMessage(120, LogLevel.Information, "lines were written to a file after its rotation, reading them")]
    public static partial void LateLines(ILogger log, string path, long offset, long size);

    [LoggerMessage(121, LogLevel.Information, "reading the rest of an emptied file from its copy")]
    public static partial void CopyTakenUp(ILogger log, string path, string original, long offset, long size);

    [LoggerMessage(122, LogLevel.Warning,
        "no copy of an emptied file found beside it; what was written to it after our last look is lost (prefer rotation by rename: logrotate 'create')")]
    public static partial void NoCopyFound(ILogger log, string path, long readOffset);

    [LoggerMessage(123, LogLevel.Error, "a scan for log files failed, the next one is in 30 s; files that are being read are not affected")]
    public static partial void ScanFailed(ILogger log, Exception failure);

    [LoggerMessage(110, LogLevel.Error,
        "positions could not be saved; shipping goes on, but a crash now sends again what was acknowledged since the last save: free disk space or " +
        "repair the volume")]
    public static partial void CheckpointNotSaved(ILogger log, string path, string error);

    [LoggerMessage(111, LogLevel.Information, "positions are saved again")]
    public static partial void CheckpointSavedAgain(ILogger log, string path);

    [LoggerMessage(112, LogLevel.Information, "the last save of positions was interrupted, using the one before")]
    public static partial void CheckpointSlotTorn(ILogger log, string path, long sequence);

    [LoggerMessage(113, LogLevel.Error,
        "the positions file cannot be used, starting without: files that match are read from their beginning, so lines are sent again that Loki may " +
        "already have")]
    public static partial void CheckpointDamaged(ILogger log, string path, string reason, string kept);

    [LoggerMessage(102, LogLevel.Warning, "reading failed, will try again every second; nothing is skipped")]
    public static partial void ReadFailed(ILogger log, string path, long offset, string error);

    // Frame, Label: 130-149.

    [LoggerMessage(130, LogLevel.Warning, "Loki takes no more labels on a stream, these are left out (drop or rename some with label_rules)")]
    public static partial void LabelsDropped(ILogger log, string names, int namesMax, string path);

    [LoggerMessage(131, LogLevel.Warning,
        "a source has as many label sets as max_streams allows; further files get few labels (loki_shipper_overflow=\"max_streams\") and are shipped all the same: " +
        "find the label that grows, or raise max_streams")]
    public static partial void StreamsOverflowed(ILogger log, int source, int streamsMax, string path);

    [LoggerMessage(132, LogLevel.Warning, "path_pattern does not match the path of a file, the labels that it would give are missing")]
    public static partial void PathPatternMismatch(ILogger log, int source, string path);

    [LoggerMessage(133, LogLevel.Warning, "a tenant that a path or label names cannot be used, its files go to tenant_id")]
    public static partial void TenantRefused(ILogger log, string tenant, string reason, string tenantId, string path);

    // Send: 300-399.

    [LoggerMessage(300, LogLevel.Warning, "push failed, trying again until it succeeds")]
    public static partial void Retrying(ILogger log, string? tenant, string status, string error);

    [LoggerMessage(301, LogLevel.Error,
        "the endpoint does not let us push; nothing is given up and nothing goes through until somebody changes that (token, certificate, tenant, " +
        "url): lines wait in their files")]
    public static partial void Held(ILogger log, string? tenant, string status, string error);

    [LoggerMessage(302, LogLevel.Information, "pushing again")]
    public static partial void Recovered(ILogger log, string? tenant, int failures, long seconds);

    [LoggerMessage(303, LogLevel.Warning, "Loki refused entries for good and stored the others; counted as rejected")]
    public static partial void EntriesRejected(ILogger log, string? tenant, string status, string error);

    [LoggerMessage(304, LogLevel.Error, "Loki refused a stream for good; its lines are counted as rejected")]
    public static partial void StreamRefused(ILogger log, string? tenant, int lines, string status, string error);

    [LoggerMessage(305, LogLevel.Information, "push is too large for the endpoint, sending it in halves")]
    public static partial void SentInHalves(ILogger log, string? tenant, int lines, int bytes, string status, string error);

    [LoggerMessage(306, LogLevel.Warning, "a line is too large for the endpoint, sending half of it")]
    public static partial void LineCutForEndpoint(ILogger log, string? tenant, int bytes, string status, string error);

    [LoggerMessage(307, LogLevel.Warning, "streams are over a limit of theirs; the tenant's other streams go on. GET /api/v1/files tells which files they are in")]
    public static partial void StreamsRefused(ILogger log, string? tenant, int streams, int lines, bool retried, string status, string error);

    [LoggerMessage(308, LogLevel.Information, "streams that were over their limit are shipped again")]
    public static partial void StreamsLetIn(ILogger log, string tenant, long lines);

    [LoggerMessage(310, LogLevel.Error, "credentials of the endpoint cannot be read; the last good ones stay in use")]
    public static partial void CredentialsUnreadable(ILogger log, string trouble);

    // Account: 400-499.

    [LoggerMessage(400, LogLevel.Error, "lines are lost: they were gone before they could be read")]
    public static partial void LinesLost(
        ILogger log, string reason, string tenant, string source, string path, string file, long fromOffset, long toOffset, long lines, bool linesExact,
        DateTimeOffset? firstEntry, DateTimeOffset? lastEntry);

    [LoggerMessage(311, LogLevel.Information, "credentials were changed, pushing with the new ones")]
    public static partial void CredentialsRenewed(ILogger log, string file);

    [LoggerMessage(312, LogLevel.Error, "certificates cannot be used; the last good ones stay in use: {Trouble}")]
    public static partial void TlsFilesUnusable(ILogger log, string trouble);

    [LoggerMessage(313, LogLevel.Information, "certificates were changed, new connections use the new ones")]
    public static partial void TlsRenewed(ILogger log, string? caFile, string? certFile);

    [LoggerMessage(314, LogLevel.Warning, "a certificate has expired")]
    public static partial void TlsCertificateExpired(ILogger log, string key, string file, string subject, DateTime notAfter);

    [LoggerMessage(315, LogLevel.Warning, "a certificate is not valid yet")]
    public static partial void TlsCertificateNotYetValid(ILogger log, string key, string file, string subject, DateTime notBefore);

    [LoggerMessage(316, LogLevel.Warning,
        "the endpoint's certificate is not verified (endpoint.tls.insecure_skip_verify): whoever answers at its address can read the logs and the credentials")]
    public static partial void TlsNotVerified(ILogger log);

    [LoggerMessage(401, LogLevel.Warning, "samples of refused entries could not be written; shipping goes on, and they are counted")]
    public static partial void DeadLettersNotWritten(ILogger log, string path, string error);

    [LoggerMessage(420, LogLevel.Information,
        "nobody takes reports of the books behind the endpoint (a plain Loki, or an older gateway); shipping does not need them, asked again later")]
    public static partial void ReportsUnsupported(ILogger log, string status, TimeSpan pause);

    [LoggerMessage(421, LogLevel.Warning, "a report of the books was not taken; the next one says the same again, shipping goes on")]
    public static partial void ReportFailed(ILogger log, string tenant, string status, string error);

    [LoggerMessage(422, LogLevel.Information, "reports of the books are taken")]
    public static partial void ReportsAccepted(ILogger log);

    [LoggerMessage(423, LogLevel.Error, "a report of the books could not be made; shipping goes on")]
    public static partial void ReportDefect(ILogger log, Exception failure);

    [LoggerMessage(430, LogLevel.Error, "records of the ledger were refused for good: the ledger stream lacks them, log lines are not affected")]
    public static partial void LedgerRejected(ILogger log, string tenant, long records);

    [LoggerMessage(431, LogLevel.Error, "sending the ledger failed unexpectedly; its records are kept and sent again")]
    public static partial void LedgerFailed(ILogger log, string tenant, Exception failure);

    [LoggerMessage(432, LogLevel.Error,
        "more minutes wait for the ledger stream than there is room for; lines of further ones are shipped and not in the ledger stream, and counted")]
    public static partial void LedgerFull(ILogger log, int recordsMax);

    [LoggerMessage(433, LogLevel.Information, "records of the ledger that the last run could not deliver are sent now")]
    public static partial void LedgerRestored(ILogger log, int records);

    [LoggerMessage(434, LogLevel.Error, "a record of the ledger that the last run left cannot be used")]
    public static partial void LedgerLineUnusable(ILogger log, string path, int line, string error);

    [LoggerMessage(435, LogLevel.Error, "the file with undelivered records of the ledger cannot be used, going on without; the ledger stream may lack a minute")]
    public static partial void LedgerFileUnusable(ILogger log, string path, string error);

    [LoggerMessage(436, LogLevel.Error,
        "undelivered records of the ledger could not be saved; a crash now would leave gaps in the ledger stream, log lines are not affected")]
    public static partial void LedgerNotSaved(ILogger log, string path, string error);

    [LoggerMessage(437, LogLevel.Information, "undelivered records of the ledger are saved again")]
    public static partial void LedgerSavedAgain(ILogger log, string path);

    // The lanes, the service and the program: 200-299.

    [LoggerMessage(205, LogLevel.Warning, "stopping before everything was acknowledged; it is sent again after the next start, from the saved positions")]
    public static partial void StoppedWithLinesInFlight(ILogger log, long lines, TimeSpan shutdownTimeout);

    [LoggerMessage(206, LogLevel.Error, "framing a file failed; its lane will try it again, other files go on")]
    public static partial void LaneFailed(ILogger log, string path, long offset, Exception failure);

    [LoggerMessage(207, LogLevel.Information, "shipping")]
    public static partial void Shipping(ILogger log, Uri endpoint, int shards, string stateDirectory);

    [LoggerMessage(208, LogLevel.Critical, "a delivery failed unexpectedly; its lines stay unacknowledged and are sent again")]
    public static partial void DeliveryFailed(ILogger log, string tenant, TimeSpan delay, Exception failure);

    [LoggerMessage(209, LogLevel.Error, "cannot start: {Reason}")]
    public static partial void CannotStart(ILogger log, string reason);

    [LoggerMessage(212, LogLevel.Warning,
        "a deleted file that was not read to its end is let go: no source of the new configuration matches it, or it cannot be opened again")]
    public static partial void HeldFileLeft(ILogger log, string path, long acknowledged, long size);

    [LoggerMessage(213, LogLevel.Warning, "a source falls behind so fast that the node will delete lines before they are acknowledged")]
    public static partial void LossAhead(ILogger log, string source, long secondsUntilLoss, long unacknowledgedBytes);

    [LoggerMessage(210, LogLevel.Information, "the configuration has changed: finishing what is read, then going on with the new one")]
    public static partial void Reloading(ILogger log);

    [LoggerMessage(211, LogLevel.Warning, "a changed key is in force only after a restart of the process")]
    public static partial void NeedsRestart(ILogger log, string key, string inForce, string inFile);
}
