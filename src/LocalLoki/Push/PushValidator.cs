// Loki's distributor, reduced to what decides: which entries of a push may be stored, and what the client is told about the others.
// Order and wording are Loki 3.2.1's (pkg/distributor/validator.go, pkg/validation/validate.go); the recorded contract holds them fast.

using System.Globalization;
using System.Text;
using LokiGateway.Hosting.Limits;
using LokiGateway.LocalLoki.Store;
using LokiGateway.Protocol;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Push;

namespace LokiGateway.LocalLoki.Push;

internal sealed class PushValidator(string tenant, TenantLimits limits, LocalLokiMetrics metrics, DateTimeOffset now)
{
    private const string ServiceName = "service_name";
    private const string UnknownService = "unknown_service";
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    private readonly GroupedErrors errors = new();
    private readonly long newestNanos = now.ToUnixNanos() + Nanos(limits.CreationGracePeriod);
    private readonly long oldestNanos = now.ToUnixNanos() - Nanos(limits.RejectOldSamplesMaxAge);

    /// <summary>Lines that passed, and their bytes: what counts against the rate.</summary>
    public int Lines { get; private set; }

    public long LineBytes { get; private set; }

    /// <summary>The text for the refused entries, or null when none was refused.</summary>
    public string? ErrorText => errors.Any ? errors.ToString() : null;

    /// <summary>
    /// Fills the batch with what may be stored. A fault in the encoding or in one label string refuses the request as a whole,
    /// with the returned verdict and nothing in the batch; a fault in a stream or an entry refuses that alone (see <see cref="ErrorText"/>).
    /// </summary>
    public PushVerdict? Fill(PushBatch batch)
    {
        PushSummary summary = default;
        PushError malformed = PushSummary.TryRead(batch.Request.Span, ref summary);
        if (malformed != PushError.None) return PushVerdict.BadRequest(PushErrors.Describe(batch.Request.Span));
        if (ParseLabels(batch.Request.Span, summary.Streams, out List<LabelSet> labels) is { } unparsable) return PushVerdict.BadRequest(unparsable);

        PushReader reader = new(batch.Request.Span);
        for (int i = 0; reader.TryReadStream(out PushStream stream); i++) AddStream(batch, labels[i], stream);
        return null;
    }

    /// <summary>The verdict while <c>block_ingestion_until</c> lies ahead; null when nothing is blocked.</summary>
    public PushVerdict? Blocked()
    {
        if (limits.BlockIngestionUntil is not { } until || now >= until) return null;
        metrics.Discard("blocked_ingestion", Lines);
        if (limits.BlockIngestionStatusCode == 200) return PushVerdict.Stored;   // Loki's documented way to drop in silence
        return new PushVerdict(limits.BlockIngestionStatusCode,
            $"ingestion blocked for user {tenant} until '{until.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}' with status code '{limits.BlockIngestionStatusCode}'");
    }

    private string? ParseLabels(ReadOnlySpan<byte> request, int streams, out List<LabelSet> all)
    {
        all = new List<LabelSet>(streams);
        PushReader reader = new(request);
        while (reader.TryReadStream(out PushStream stream))
        {
            if (!LabelSet.TryParse(stream.Labels, out LabelSet? labels, out string? error)) return $"couldn't parse labels: {error}";
            // Bytes that are not UTF-8 become U+FFFD here already, so that the stream is the same one after a restart.
            if (labels.Text.Contains("\\x", StringComparison.Ordinal)) labels = LabelSet.Of(labels.Pairs);
            all.Add(WithServiceName(labels));
        }
        return null;
    }

    private LabelSet WithServiceName(LabelSet labels)
    {
        if (limits.DiscoverServiceName.Count == 0 || labels[ServiceName] is not null) return labels;
        string service = UnknownService;
        foreach (string name in limits.DiscoverServiceName)
        {
            if (labels[name] is not { Length: > 0 } value) continue;
            service = value;
            break;
        }
        return LabelSet.Of(labels.Pairs.Append(KeyValuePair.Create(ServiceName, service)));
    }

    private void AddStream(PushBatch batch, LabelSet labels, in PushStream stream)
    {
        int first = batch.Entries.Count;
        (string Reason, string Text)? badLabels = null;
        int entries = 0;
        PushEntryReader reader = stream.Entries();
        while (reader.TryReadEntry(out PushEntry entry))
        {
            if (entries++ == 0) badLabels = CheckLabels(labels);   // a stream without entries is not looked at, as in Loki
            if (badLabels is not null) continue;
            ReadOnlySpan<byte> line = entry.Line;
            if (limits.MaxLineSizeTruncate && limits.MaxLineSize != 0 && line.Length > limits.MaxLineSize) line = line[..limits.MaxLineSize];
            if (CheckEntry(labels, entry, line) is { } refused)
            {
                errors.Add(refused.Text);
                metrics.Discard(refused.Reason, 1);
                continue;
            }
            batch.Entries.Add(Place(batch, entry, line));
            Lines++;
            LineBytes += line.Length;
        }
        if (badLabels is { } bad)
        {
            errors.Add(bad.Text);
            metrics.Discard(bad.Reason, entries);
        }
        else if (batch.Entries.Count > first)
        {
            batch.Streams.Add(new BatchStream(labels, first, batch.Entries.Count - first));
        }
    }

    private static BatchEntry Place(PushBatch batch, in PushEntry entry, ReadOnlySpan<byte> line)
    {
        int lineStart = 0;
        if (!line.IsEmpty) batch.Request.Span.Overlaps(line, out lineStart);
        int metadataStart = batch.Metadata.WrittenCount;
        if (entry.MetadataCount > 0)
        {
            MetadataReader metadata = entry.Metadata();
            while (metadata.TryRead(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)) MetadataBlob.Write(batch.Metadata, name, value);
        }
        return new BatchEntry(entry.UnixNanos, lineStart, line.Length, metadataStart, batch.Metadata.WrittenCount - metadataStart);
    }

    private (string Reason, string Text)? CheckLabels(LabelSet labels)
    {
        if (labels.Pairs.Count == 0) return ("missing_labels", "error at least one label pair is required per stream");
        int names = labels.Pairs.Count - (labels[ServiceName] is null ? 0 : 1);
        if (names > limits.MaxLabelNamesPerSeries)
            return ("max_label_names_per_series", $"entry for stream '{labels.Text}' has {names} label names; limit {limits.MaxLabelNamesPerSeries}");
        string last = "";
        foreach ((string name, string value) in labels.Pairs)
        {
            if (name.Length > limits.MaxLabelNameLength) return ("label_name_too_long", $"stream '{labels.Text}' has label name too long: '{name}'");
            if (Encoding.UTF8.GetByteCount(value) > limits.MaxLabelValueLength)
                return ("label_value_too_long", $"stream '{labels.Text}' has label value too long: '{value}'");
            if (name == last) return ("duplicate_label_names", $"stream '{labels.Text}' has duplicate label name: '{name}'");
            last = name;
        }
        return null;
    }

    private (string Reason, string Text)? CheckEntry(LabelSet labels, in PushEntry entry, ReadOnlySpan<byte> line)
    {
        if (limits.RejectOldSamples && entry.UnixNanos < oldestNanos)
        {
            return ("greater_than_max_sample_age", $"entry for stream '{labels.Text}' has timestamp too old: {Rfc3339(entry.UnixNanos)}, " +
                $"oldest acceptable timestamp is: {Rfc3339(oldestNanos)}");
        }
        if (entry.UnixNanos > newestNanos)
            return ("too_far_in_future", $"entry for stream '{labels.Text}' has timestamp too new: {Rfc3339(entry.UnixNanos)}");
        if (limits.MaxLineSize != 0 && line.Length > limits.MaxLineSize)
        {
            return ("line_too_long", $"Max entry size '{limits.MaxLineSize}' bytes exceeded for stream '{labels.Text}' " +
                $"while adding an entry with length '{line.Length}' bytes");
        }
        return entry.MetadataCount > 0 ? CheckMetadata(labels, entry) : null;
    }

    private (string Reason, string Text)? CheckMetadata(LabelSet labels, in PushEntry entry)
    {
        const string ask = "or contact your Loki administrator to";
        if (!limits.AllowStructuredMetadata)
        {
            return ("disallowed_structured_metadata", $"stream '{labels.Text}' includes structured metadata, but this feature is disallowed. " +
                $"Please see `limits_config.allow_structured_metadata` {ask} enable it.");
        }
        if (limits.MaxStructuredMetadataSize != 0 && entry.MetadataBytes > limits.MaxStructuredMetadataSize)
        {
            return ("structured_metadata_too_large", $"stream '{labels.Text}' has structured metadata too large: '{entry.MetadataBytes}' bytes, " +
                $"limit: '{limits.MaxStructuredMetadataSize}' bytes. Please see `limits_config.max_structured_metadata_size` {ask} increase it.");
        }
        if (limits.MaxStructuredMetadataEntriesCount != 0 && entry.MetadataCount > limits.MaxStructuredMetadataEntriesCount)
        {
            return ("structured_metadata_too_many", $"stream '{labels.Text}' has too many structured metadata labels: '{entry.MetadataCount}', " +
                $"limit: '{limits.MaxStructuredMetadataEntriesCount}'. Please see `limits_config.max_structured_metadata_entries_count` {ask} increase it.");
        }
        return null;
    }

    private static string Rfc3339(long nanos)
    {
        long seconds = (nanos / 1_000_000_000) - (nanos % 1_000_000_000 < 0 ? 1 : 0);
        return DateTimeOffset.FromUnixTimeSeconds(seconds).ToString(TimeFormat, CultureInfo.InvariantCulture);
    }

    // Capped at 73 years, so that it can be added to any date that nanoseconds can say.
    private static long Nanos(TimeSpan span) => Math.Min(span.Ticks, long.MaxValue / 400) * 100;
}
