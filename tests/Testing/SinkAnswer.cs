// What a FaultSink does with one push. The cases are the ways in which a real Loki, a proxy before it or the network between fails; each says
// whether the lines count as stored, because that is what a sender must not get wrong.
using LokiGateway.Testing.Proto;

namespace LokiGateway.Testing;

/// <summary>One scripted answer of a <see cref="FaultSink"/>.</summary>
public sealed record SinkAnswer
{
    private SinkAnswer()
    {
    }

    /// <summary>How the exchange goes on the wire.</summary>
    public enum Wire
    {
        /// <summary>The request is read, the answer is written whole.</summary>
        Complete,

        /// <summary>The connection is reset when the head of the request is there; the body is not read.</summary>
        DropBeforeReading,

        /// <summary>The request is read, then the connection is reset without an answer.</summary>
        DropAfterReading,

        /// <summary>The request is read; status line and half of the answer are written, then the connection is closed.</summary>
        CloseInMiddleOfAnswer,

        /// <summary>The request is read and never answered; the connection stays open until the client gives up.</summary>
        Stall,
    }

    /// <summary>How the exchange goes on the wire.</summary>
    public Wire Kind { get; private init; }

    /// <summary>Status of the answer.</summary>
    public int Status { get; private init; } = 204;

    /// <summary>Body of the answer.</summary>
    public string Body { get; private init; } = "";

    /// <summary>Headers beside Content-Type and Content-Length.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; private init; } = [];

    /// <summary>Are the lines stored (all but those of <see cref="Rejects"/>)?</summary>
    public bool Stores { get; private init; }

    /// <summary>Entries that are not stored although the others are.</summary>
    public Func<StreamAdapter, EntryAdapter, bool>? Rejects { get; private init; }

    /// <summary>Pause between the request being read and the answer.</summary>
    public TimeSpan Delay { get; internal init; }

    /// <summary>Bytes of the body read in a second; 0 is as fast as it goes.</summary>
    public int ReadBytesPerSecond { get; private init; }

    /// <summary>204, stored.</summary>
    public static SinkAnswer Ok { get; } = new() { Stores = true };

    /// <summary>Any status with any body, nothing stored.</summary>
    public static SinkAnswer Refuse(int status, string body = "", params (string Name, string Value)[] headers) =>
        new() { Status = status, Body = body, Headers = headers };

    /// <summary>429 as Loki says it, nothing stored; <paramref name="retryAfter"/> is the Retry-After header.</summary>
    public static SinkAnswer RateLimited(string? retryAfter = null) => new()
    {
        Status = 429,
        Body = "Ingestion rate limit exceeded for user ops (limit: 1048 bytes/sec) while attempting to ingest '1' lines totaling '900' bytes, " +
               "reduce log volume or contact your Loki administrator to see if the limit can be increased\n",
        Headers = retryAfter is null ? [] : [("Retry-After", retryAfter)],
    };

    /// <summary>
    /// 400 of Loki's distributor: the entries for which <paramref name="rejects"/> holds are refused, the others are stored. The text names no
    /// count, as Loki's line-length text does not: <paramref name="body"/> overrides it. A push without such an entry is answered 204.
    /// </summary>
    public static SinkAnswer Partial(Func<StreamAdapter, EntryAdapter, bool> rejects, string? body = null) => new()
    {
        Status = 400,
        Body = body ?? "Max entry size '262144' bytes exceeded for stream '{app=\"a\"}' while adding an entry with length '262145' bytes\n",
        Stores = true,
        Rejects = rejects,
    };

    /// <summary>
    /// 400 of Loki's ingester, which does name counts: "entry with timestamp … ignored, reason: 'entry too far behind …', user 'ops', total
    /// ignored: N out of M for stream: …" for the last stream that lost entries. <paramref name="rejects"/> must hold in one stream only, as the
    /// text can tell of one. A push without such an entry is answered 204.
    /// </summary>
    public static SinkAnswer TooFarBehind(Func<StreamAdapter, EntryAdapter, bool> rejects) => new()
    {
        Status = 400,
        Body = CountsMarker,
        Stores = true,
        Rejects = rejects,
    };

    /// <summary>
    /// 429 of the gateway for a tenant at its stream limit: streams for which <paramref name="over"/> holds are not stored and are named in the header
    /// X-Loki-Gateway-Rejected-Streams (docs/formats/rejected-streams.md), the others are stored. <paramref name="refused"/>: their labels.
    /// </summary>
    public static SinkAnswer StreamLimited(Func<string, bool> over, params string[] refused) => new()
    {
        Status = 429,
        Body = $"Maximum active stream limit exceeded when trying to create stream {refused[^1]}, reduce the number of active streams (reduce labels or reduce " +
               "label values), or contact your Loki administrator to see if the limit can be increased, user: 'ops'\n",
        Headers = [("X-Loki-Gateway-Rejected-Streams", string.Join(',', refused.Select(Escaped)))],
        Stores = true,
        Rejects = (stream, _) => over(stream.Labels),
    };

    private static string Escaped(string labels) => string.Concat(System.Text.Encoding.UTF8.GetBytes(labels)
        .Select(static b => b is > 0x20 and < 0x7F and not ((byte)'%' or (byte)',' or (byte)'+') ? $"{(char)b}" : $"%{b:X2}"));

    /// <summary>Stored, and still an error: what a sender sees when one of Loki's ingesters failed. Only a duplicate may come of it.</summary>
    public static SinkAnswer StoredThen(int status, string body = "rpc error: code = Unavailable\n") =>
        new() { Status = status, Body = body, Stores = true };

    /// <summary>Reads, never answers.</summary>
    public static SinkAnswer Stall { get; } = new() { Kind = Wire.Stall };

    /// <summary>Resets the connection before the body is read.</summary>
    public static SinkAnswer DropBeforeReading { get; } = new() { Kind = Wire.DropBeforeReading };

    /// <summary>Reads, then resets the connection; <paramref name="stored"/> says whether the lines were kept.</summary>
    public static SinkAnswer DropAfterReading(bool stored = false) => new() { Kind = Wire.DropAfterReading, Stores = stored };

    /// <summary>Closes after half of the answer; <paramref name="stored"/> says whether the lines were kept.</summary>
    public static SinkAnswer CloseInMiddleOfAnswer(int status = 200, bool stored = true) => new()
    {
        Kind = Wire.CloseInMiddleOfAnswer,
        Status = status,
        Body = "this answer is never written to its end",
        Stores = stored,
    };

    /// <summary>204 after a pause, stored before the pause.</summary>
    public static SinkAnswer SlowAnswer(TimeSpan delay) => new() { Stores = true, Delay = delay };

    /// <summary>204, but the body is read at this speed.</summary>
    public static SinkAnswer SlowReading(int bytesPerSecond) => new() { Stores = true, ReadBytesPerSecond = bytesPerSecond };

    /// <summary>Replaced by Loki's text with the counts of the request at hand.</summary>
    internal const string CountsMarker = "\u0001counts";
}
