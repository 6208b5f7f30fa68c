// The input of the micro benchmarks: a push of about 1 MiB of the same generated lines that the end-to-end parts ship.
using System.Text;
using System.Text.Json;
using LokiGateway.Benchmarks.Input;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Benchmarks.Micro;

/// <summary>The same bytes for every benchmark and every run.</summary>
internal static class MicroInput
{
    public const int PushBytes = 1 << 20;

    private const int StreamsPerPush = 16;

    /// <summary>2026-11-22T00:00:00Z: any fixed time does.</summary>
    public const long StartUnixNanos = 1_795_305_600_000_000_000;

    /// <summary>The offset of the message in a line that the generator wrote: 30 bytes of time, " stdout F ".</summary>
    private const int MessageOffset = 40;

    /// <summary>CRI lines, each with its newline.</summary>
    public static byte[] CriLog(int bytes)
    {
        byte[] log = new byte[bytes + LogLineWriter.LineBytesMax];
        LogLineWriter[] writers =
        [
            new(LogStyle.Logfmt, 1, StartUnixNanos), new(LogStyle.Json, 2, StartUnixNanos), new(LogStyle.Access, 3, StartUnixNanos),
        ];
        int length = 0;
        for (int line = 0; length < bytes; line++) length += writers[line % writers.Length].Write(log.AsSpan(length));
        return log[..length];
    }

    public static byte[][] Messages(int bytes) =>
        [.. Encoding.UTF8.GetString(CriLog(bytes)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => Encoding.UTF8.GetBytes(line[MessageOffset..]))];

    public static byte[] Labels(int stream) => Encoding.UTF8.GetBytes(
        $$"""{cluster="ops", container="app", job="shop/{{stream}}", namespace="shop", node="n-3", pod="{{stream}}-x2x9z", stream="stdout"}""");

    public static byte[] Push()
    {
        byte[][] messages = Messages(PushBytes);
        byte[] push = new byte[PushBytes * 2], entries = new byte[PushBytes];
        int end = 0, perStream = messages.Length / StreamsPerPush;
        for (int stream = 0; stream < StreamsPerPush; stream++)
        {
            int length = 0;
            for (int i = stream * perStream; i < (stream + 1) * perStream; i++)
                length += PushWriter.WriteEntry(entries.AsSpan(length), StartUnixNanos + i, messages[i]);
            end += PushWriter.WriteStreamHeader(push.AsSpan(end), Labels(stream), length);
            entries.AsSpan(0, length).CopyTo(push.AsSpan(end));
            end += length;
        }
        return push[..end];
    }

    /// <summary>The same lines as one stream in Loki's JSON form.</summary>
    public static byte[] Json() => JsonSerializer.SerializeToUtf8Bytes(new
    {
        streams = new[]
        {
            new
            {
                stream = new { job = "shop/app", pod = "app-7d9c5b6f4-x2x9z" },
                values = Messages(PushBytes).Select((line, i) => new[] { $"{StartUnixNanos + i}", Encoding.UTF8.GetString(line) }),
            },
        },
    });

    public static byte[] Compressed(byte[] push)
    {
        byte[] block = new byte[SnappyBlock.CompressedLengthMax(push.Length)];
        return block[..SnappyBlock.Compress(push, block)];
    }
}
