// Loki's answers in one table: the design's section 3. Everything that a push can be answered with is judged here and nowhere else, so that
// "what happens to my lines on a 4xx" has one answer.
using LokiGateway.Protocol.Push;

namespace LokiGateway.Shipper.Send;

/// <summary>One answer, judged.</summary>
/// <param name="Outcome">What it means for the lines.</param>
/// <param name="Status">Label for metrics: the status code, <c>timeout</c>, <c>connection</c> or <c>credentials</c>.</param>
/// <param name="Text">The first line of the body or the failure, for humans; bounded by <see cref="TextLengthMax"/>.</param>
/// <param name="RetryAfter">What the other side asked for; null: nothing.</param>
/// <param name="Rejections">
/// For <see cref="DeliveryOutcome.PartlyRejected"/>: how many entries for which reason. For <see cref="DeliveryOutcome.StreamsRefused"/>: the same about
/// the streams that are not named; null: none of their entries.
/// </param>
/// <param name="Streams">For <see cref="DeliveryOutcome.StreamsRefused"/>: which.</param>
/// <param name="Body">The whole body, for what <paramref name="Text"/> leaves out; bounded by the client.</param>
internal sealed record PushAnswer(
    DeliveryOutcome Outcome, string Status, string Text, TimeSpan? RetryAfter = null, IReadOnlyList<LokiRejection>? Rejections = null,
    RefusedStreams? Streams = null, string Body = "")
{
    /// <summary>Loki quotes whole label sets; more than this helps nobody in a log line.</summary>
    public const int TextLengthMax = 512;

    public static PushAnswer Acknowledged { get; } = new(DeliveryOutcome.Acknowledged, "204", "");

    /// <summary>Judges an answer that arrived whole.</summary>
    /// <param name="status">HTTP status.</param>
    /// <param name="body">Its body, possibly cut.</param>
    /// <param name="retryAfter">Its Retry-After header as a delay.</param>
    /// <param name="retryOn429">False: a limit is taken for a refusal (retry_on_http_429).</param>
    /// <param name="rejectedStreams">The gateway's header <see cref="RejectedStreamsHeader.Name"/>; null: there is none.</param>
    public static PushAnswer Judge(int status, string body, TimeSpan? retryAfter, bool retryOn429, string? rejectedStreams = null)
    {
        string label = status.ToString();
        string text = FirstLine(body);
        return status switch
        {
            // Loki says 260, a success for every HTTP client, when ingestion is blocked and nothing was stored.
            260 => new(DeliveryOutcome.Hold, label, text),
            >= 200 and < 300 => status == 204 ? Acknowledged : new(DeliveryOutcome.Acknowledged, label, text),
            413 => new(DeliveryOutcome.TooLarge, label, text),
            >= 500 when body.Contains("larger than max", StringComparison.OrdinalIgnoreCase) => new(DeliveryOutcome.TooLarge, label, text),
            501 => new(DeliveryOutcome.Hold, label, text, retryAfter),
            408 or >= 500 => new(DeliveryOutcome.Retry, label, text, retryAfter),
            429 => JudgeLimit(label, body, text, retryAfter, retryOn429, rejectedStreams),
            400 or 422 => JudgeBadRequest(label, body, text),
            // 401, 403, 404, 405, redirects and whatever a proxy in between invents: nobody said that the lines are bad.
            _ => new(DeliveryOutcome.Hold, label, text, retryAfter),
        };
    }

    /// <summary>The reason under which the lines of a refused stream are counted.</summary>
    public string RefusalReason => Status == "429" ? "rate_limited" : LokiRejection.ReasonOf(Body) ?? "refused";

    /// <summary>Status and text, for whoever reads the dead-letter file.</summary>
    public string ForHumans => Text.Length == 0 ? Status : $"{Status} {Text}";

    // Two kinds of 429: the tenant is over its rate (nothing was stored), or single streams are over a limit of their own (the others were stored).
    private static PushAnswer JudgeLimit(
        string label, string body, string text, TimeSpan? retryAfter, bool retryOn429, string? rejectedStreams)
    {
        bool isAboutStream = LokiRejection.TryParseStreamLimit(body, out string? stream, out string? reason);
        // The header beside Loki's own rate limit is about a request of which nothing was stored: that comes again as a whole.
        if (isAboutStream && RejectedStreamsHeader.TryParse(rejectedStreams, out RejectedStreamsHeader? header))
        {
            // What Loki had against entries of the other streams follows behind the line about the limit.
            int end = body.IndexOf('\n', StringComparison.Ordinal);
            string lokis = end < 0 ? "" : body[(end + 1)..];
            IReadOnlyList<LokiRejection>? rejections = null;
            // A text that does not say which entries were refused may mean that all were: then the other streams are asked for again.
            bool isDecided = string.IsNullOrWhiteSpace(lokis) || LokiRejection.TryParse(lokis, out rejections);
            var streams = new RefusedStreams(header.Labels, reason!, isDecided && header.Unnamed == 0, retryOn429);
            return new(DeliveryOutcome.StreamsRefused, label, text, retryAfter, rejections, streams, lokis);
        }
        if (isAboutStream)
            return new(DeliveryOutcome.StreamsRefused, label, text, retryAfter, null, new RefusedStreams([stream!], reason!, false, retryOn429), body);
        return new(retryOn429 ? DeliveryOutcome.Retry : DeliveryOutcome.Refused, label, text, retryAfter);
    }

    private static PushAnswer JudgeBadRequest(string label, string body, string text)
    {
        // A tenant that Loki does not accept is a mistake in our configuration, not in the lines.
        if (text.StartsWith("tenant ID", StringComparison.Ordinal) || text.StartsWith("multiple org IDs", StringComparison.Ordinal)
            || text.StartsWith("no org id", StringComparison.Ordinal))
            return new(DeliveryOutcome.Hold, label, text);
        return LokiRejection.TryParse(body, out IReadOnlyList<LokiRejection>? rejections)
            ? new(DeliveryOutcome.PartlyRejected, label, text, Rejections: rejections, Body: body)
            : new(DeliveryOutcome.Refused, label, text, Body: body);
    }

    internal static string FirstLine(string body)
    {
        ReadOnlySpan<char> line = body.AsSpan().Trim();
        int end = line.IndexOfAny('\r', '\n');
        if (end >= 0) line = line[..end];
        return line.Length <= TextLengthMax ? line.ToString() : string.Concat(line[..TextLengthMax], "...");
    }
}

/// <summary>Streams that an answer names as over their limit.</summary>
/// <param name="Labels">Label texts, as sent (gateway) or with Loki's additions (Loki).</param>
/// <param name="Reason">Loki's reason word.</param>
/// <param name="AreAll">True: every refused stream is named, and all others are stored. False: the others must be sent again.</param>
/// <param name="AreRetried">False: they are given up (retry_on_http_429).</param>
internal sealed record RefusedStreams(IReadOnlyList<string> Labels, string Reason, bool AreAll, bool AreRetried);
