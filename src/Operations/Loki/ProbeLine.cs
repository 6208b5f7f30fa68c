// A line that lokiops writes to see whether what is pushed can be read: in a stream of its own that audits leave out.
using System.Globalization;
using System.Text;
using LokiGateway.Protocol;
using LokiGateway.Protocol.Labels;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Operations.Loki;

/// <summary>One probe: unique, so that what is read back is this one.</summary>
internal sealed class ProbeLine
{
    /// <summary>The label <c>job</c> of probes.</summary>
    public const string Job = "lokiops-probe";

    private readonly string _text;
    private readonly long _unixNanos;

    public ProbeLine(TimeProvider time)
    {
        _unixNanos = time.GetUnixNanos();
        _text = $"lokiops probe {Guid.NewGuid():N}";
    }

    /// <summary>The push, as Loki takes it.</summary>
    public byte[] ToPush()
    {
        byte[] labels = LabelSet.Of([new("job", Job)]).Utf8.ToArray();
        byte[] line = Encoding.UTF8.GetBytes(_text);
        byte[] entry = new byte[PushWriter.EntryLengthMax(line.Length)];
        int length = PushWriter.WriteEntry(entry, _unixNanos, line);
        byte[] request = new byte[PushWriter.StreamHeaderLength(labels.Length, length) + length];
        int header = PushWriter.WriteStreamHeader(request, labels, length);
        entry.AsSpan(0, length).CopyTo(request.AsSpan(header));
        byte[] compressed = new byte[SnappyBlock.CompressedLengthMax(request.Length)];
        return compressed[..SnappyBlock.Compress(request, compressed)];
    }

    /// <summary>True: Loki returns it.</summary>
    public async Task<bool> IsReadableAsync(LokiClient loki, string? tenant, CancellationToken ct)
    {
        bool found = false;
        await loki.AskAsync(tenant, "loki/api/v1/query_range",
        [
            new("query", $"{{job=\"{Job}\"}} |= {LokiAnswers.Quote(_text)}"),
            new("start", (_unixNanos - 60_000_000_000).ToString(CultureInfo.InvariantCulture)),
            new("end", (_unixNanos + 60_000_000_000).ToString(CultureInfo.InvariantCulture)),
            new("limit", "10"),
        ], body => LokiAnswers.ReadStreams(body, (_, _, line) => found |= line.SequenceEqual(Encoding.UTF8.GetBytes(_text))), ct).ConfigureAwait(false);
        return found;
    }
}
