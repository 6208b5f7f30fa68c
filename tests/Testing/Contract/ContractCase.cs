// One recorded exchange with a real Loki 3.2.1: how to send the request again, and what must come back. The recording is data
// (cases.json), so that a new Loki version is a new recording and not new code.
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace LokiGateway.Testing.Contract;

/// <summary>A recorded request and the answer that Loki gave.</summary>
public sealed partial class ContractCase
{
    private readonly JsonElement _case;

    private ContractCase(JsonElement @case) => _case = @case;

    /// <summary>All cases in the order of recording. The order matters: cases that share a tenant build on each other.</summary>
    public static IReadOnlyList<ContractCase> All { get; } = Load();

    /// <summary>The runtime overrides (<c>overrides.yaml</c>) under which they were recorded.</summary>
    public static string Overrides { get; } = Resource("contract/overrides.yaml");

    /// <summary>For example <c>labels/bad name</c>.</summary>
    public string Name => _case.GetProperty("name").GetString()!;

    /// <summary>HTTP method.</summary>
    public string Method => _case.GetProperty("method").GetString()!;

    /// <summary>HTTP path.</summary>
    public string Path => _case.GetProperty("path").GetString()!;

    /// <summary>Headers to send, exactly.</summary>
    public IEnumerable<(string Name, string Value)> Headers =>
        _case.GetProperty("headers").EnumerateObject().Select(static header => (header.Name, header.Value.GetString()!));

    /// <summary>How often to send it; the last answer counts.</summary>
    public int Times => _case.TryGetProperty("times", out var times) ? times.GetInt32() : 1;

    /// <summary>Does only the status count? Those bodies quote Go's JSON libraries.</summary>
    public bool ByStatusOnly => Name.StartsWith("bad/json", StringComparison.Ordinal) || Name.StartsWith("otlp/", StringComparison.Ordinal);

    /// <summary>The recorded status.</summary>
    public int Status => _case.GetProperty("expect").GetProperty("status").GetInt32();

    /// <summary>The recorded body with times as <c>{{time}}</c>.</summary>
    public string Body => _case.GetProperty("expect").GetProperty("body").GetString()!;

    /// <summary>The recorded Content-Type; null when there was none.</summary>
    public string? ContentType => _case.GetProperty("expect").GetProperty("content_type").GetString();

    /// <summary>The request body as it is at <paramref name="now"/>; null for none.</summary>
    public byte[]? Render(DateTimeOffset now)
    {
        var body = _case.GetProperty("body");
        if (body.ValueKind == JsonValueKind.Null) return null;
        var bytes = body.GetProperty("kind").GetString() switch
        {
            "protobuf" => RenderProtobuf(body, now),
            "text" => Encoding.UTF8.GetBytes(TimeTemplate().Replace(Text(body.GetProperty("text")), match => Nanos(match.Groups[1].Value, now))),
            "base64" => body.GetProperty("data").GetBytesFromBase64(),
            var kind => throw new NotSupportedException($"{Name}: body.kind {kind}"),
        };
        return body.TryGetProperty("compress", out var compress) ? Compress(bytes, compress.GetString()!) : bytes;
    }

    /// <summary>What is wrong with this answer, or null when it is as recorded.</summary>
    public string? Mismatch(RawAnswer answer)
    {
        var body = MaskTimes(answer.Body);
        var wrong = new List<string>();
        if (answer.Status != Status) wrong.Add($"status {answer.Status}, recorded {Status}");
        if (!ByStatusOnly && body != Body) wrong.Add($"body {Quote(body)}, recorded {Quote(Body)}");
        if (!ByStatusOnly && ContentType is not null && answer.Header("Content-Type") != ContentType)
            wrong.Add($"content type {answer.Header("Content-Type") ?? "none"}, recorded {ContentType}");
        if (ByStatusOnly && Status >= 400 && string.IsNullOrWhiteSpace(body)) wrong.Add("no text says what is wrong");
        if (wrong.Count == 0) return null;
        if (_case.TryGetProperty("or", out var other) && answer.Status == other.GetProperty("status").GetInt32() &&
            body.TrimEnd('\n') == other.GetProperty("body").GetString()!.TrimEnd('\n')) return null;
        return $"{Name}: {string.Join("; ", wrong)}";
    }

    /// <summary>Sends the case to a server, as often as it says, and returns the last answer. <paramref name="credential"/> is one more header.</summary>
    public async Task<RawAnswer> SendAsync(Uri server, (string Name, string Value)? credential = null, CancellationToken ct = default)
    {
        RawAnswer? answer = null;
        var headers = credential is { } header ? Headers.Append(header) : Headers;
        for (var time = 0; time < Times; time++)
            answer = await RawHttp.SendAsync(server, Method, Path, headers, Render(DateTimeOffset.UtcNow), ct).ConfigureAwait(false);
        return answer!;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static byte[] RenderProtobuf(JsonElement body, DateTimeOffset now)
    {
        var streams = body.GetProperty("streams").EnumerateArray().Select(stream => new LogStream(
            Text(stream.GetProperty("labels")),
            [.. stream.GetProperty("entries").EnumerateArray().Select(entry => new LogEntry(
                long.Parse(Nanos(entry.GetProperty("t").GetString()!, now), CultureInfo.InvariantCulture),
                Text(entry.GetProperty("line")),
                entry.TryGetProperty("meta", out var meta)
                    ? [.. meta.EnumerateObject().Select(static pair => (pair.Name, Text(pair.Value)))]
                    : []))])).ToList();
        var framed = !body.TryGetProperty("framing", out var framing) || framing.GetString() != "none";
        return framed ? PushRequests.Snappy(streams) : PushRequests.Protobuf(streams);
    }

    private static string Text(JsonElement text) => text.ValueKind == JsonValueKind.String
        ? text.GetString()!
        : string.Concat(Enumerable.Repeat(text.GetProperty("repeat").GetString()!, text.GetProperty("count").GetInt32()));

    /// <summary><c>now</c>, <c>now-10s</c>, <c>now+9m</c>, <c>now-8d</c> in nanoseconds.</summary>
    private static string Nanos(string time, DateTimeOffset now)
    {
        var offset = TimeSpan.Zero;
        if (time.Length > 3)
        {
            var amount = long.Parse(time[4..^1], CultureInfo.InvariantCulture);
            var unit = time[^1] switch
            {
                's' => TimeSpan.FromSeconds(1),
                'm' => TimeSpan.FromMinutes(1),
                'h' => TimeSpan.FromHours(1),
                'd' => TimeSpan.FromDays(1),
                _ => throw new FormatException($"Not a time of a case: {time}"),
            };
            offset = unit * amount * (time[3] == '-' ? -1 : 1);
        }
        return ((now + offset - DateTimeOffset.UnixEpoch).Ticks * 100).ToString(CultureInfo.InvariantCulture);
    }

    private static byte[] Compress(byte[] bytes, string how)
    {
        using var output = new MemoryStream();
        // "deflate" is raw deflate, as Go's compress/flate: not the zlib wrapping that the HTTP standard means.
        using (Stream compressor = how == "gzip" ? new GZipStream(output, CompressionLevel.Fastest) : new DeflateStream(output, CompressionLevel.Fastest))
            compressor.Write(bytes);
        return output.ToArray();
    }

    private static string MaskTimes(string text) => Rfc3339().Replace(text, "{{time}}");

    private static string Quote(string text) => JsonSerializer.Serialize(text.Length > 600 ? text[..600] + "..." : text);

    private static List<ContractCase> Load()
    {
        using var document = JsonDocument.Parse(Resource("contract/cases.json"));
        return [.. document.RootElement.EnumerateArray().Select(static element => new ContractCase(element.Clone()))];
    }

    private static string Resource(string name)
    {
        using var stream = typeof(ContractCase).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"\{\{(now[^}]*)\}\}")]
    private static partial Regex TimeTemplate();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")]
    private static partial Regex Rfc3339();
}
