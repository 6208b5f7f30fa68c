// Ready-made pushes of about 1 MiB, built from the generated logs: what several shippers would send, many streams over several tenants,
// held in memory so that making them is no part of a measurement.
using System.Text;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Benchmarks.Native;

/// <summary>One push: the snappy block, and what is inside.</summary>
internal sealed record ReadyPush(byte[] Compressed, int Bytes, int Lines, string Tenant);

internal static class PushSet
{
    /// <summary>48 pushes of 1 MiB: more than the processor's caches keep at hand, little enough to build in a blink.</summary>
    private const int PushCount = 48;

    private const int PushBytes = 1 << 20;

    /// <summary>Streams in one push: a node's shipper batches the containers that wrote within the same second.</summary>
    private const int StreamsPerPush = 16;

    private const int Tenants = 4;

    public static ReadyPush[] Build(string logs)
    {
        string[] files = LogFiles.Of(logs);
        var sources = new LogSource[files.Length];
        for (int i = 0; i < files.Length; i++) sources[i] = new LogSource(files[i]);
        byte[] request = new byte[PushBytes * 2];
        byte[] compressed = new byte[SnappyBlock.CompressedLengthMax(request.Length)];
        var pushes = new ReadyPush[PushCount];
        for (int index = 0; index < PushCount; index++)
        {
            int end = 0, lines = 0;
            for (int stream = 0; stream < StreamsPerPush; stream++)
            {
                LogSource source = sources[(index + stream) % sources.Length];
                string labels =
                    $$"""{container="app", job="shop/app-{{stream}}", namespace="shop", node="n-{{index % 8}}", pod="app-{{stream}}-{{index}}"}""";
                end += source.WriteStream(request.AsSpan(end), Encoding.UTF8.GetBytes(labels), PushBytes / StreamsPerPush, ref lines);
            }
            int length = SnappyBlock.Compress(request.AsSpan(0, end), compressed);
            pushes[index] = new ReadyPush(compressed.AsSpan(0, length).ToArray(), end, lines, $"tenant-{index % Tenants}");
        }
        return pushes;
    }

    /// <summary>Hands out the lines of one file, over and over.</summary>
    private sealed class LogSource(string path)
    {
        /// <summary>The share of the file that is used: 16 files of this make 48 pushes without a repetition.</summary>
        private const int HeadBytes = 4 << 20;

        private readonly byte[] _text = ReadHead(path);
        private readonly byte[] _entries = new byte[PushBytes];
        private CriLine _cri;
        private int _position;

        public int WriteStream(Span<byte> destination, byte[] labels, int entriesBytes, ref int lines)
        {
            int length = 0;
            while (length < entriesBytes)
            {
                if (_position >= _text.Length) _position = 0;
                ReadOnlySpan<byte> rest = _text.AsSpan(_position);
                int newline = rest.IndexOf((byte)'\n');
                ReadOnlySpan<byte> line = rest[..newline];
                _position += newline + 1;
                ReadOnlySpan<byte> message = line[_cri.Parse(line, out long unixNanos, out _)..];
                length += PushWriter.WriteEntry(_entries.AsSpan(length), unixNanos, message);
                lines++;
            }
            int header = PushWriter.WriteStreamHeader(destination, labels, length);
            _entries.AsSpan(0, length).CopyTo(destination[header..]);
            return header + length;
        }

        private static byte[] ReadHead(string path)
        {
            using FileStream file = File.OpenRead(path);
            byte[] text = new byte[Math.Min(HeadBytes, file.Length)];
            file.ReadExactly(text);
            int end = text.AsSpan().LastIndexOf((byte)'\n') + 1;
            return end == 0 ? throw new InvalidOperationException($"{path} holds no complete line") : text[..end];
        }
    }
}
