// A Loki that keeps nothing: reads every body, answers 204. It runs in a process of its own so that its work is not counted, and on
// blocking sockets with a thread a connection, because that is the least work for the other core of the machine.
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Benchmarks.Native;

/// <summary>
/// Prints <c>listening PORT</c>, then answers each line on standard input with a <see cref="SinkReport"/>; ends with standard input, so
/// that it never outlives the program that started it.
/// </summary>
internal sealed class NullSink
{
    /// <summary>Room for a whole compressed 1 MiB batch, so that one receive call often takes all that is there.</summary>
    private const int ReceiveBytes = 512 << 10;

    /// <summary>The labels of a push's first stream are in here.</summary>
    private const int LedgerLabelWithin = 1024;

    private static readonly byte[] LedgerLabel = Encoding.UTF8.GetBytes($"job=\"{LedgerRecord.Job}\"");

    private readonly bool _countLines;
    private long _requests;
    private long _bodyBytes;
    private long _lines;

    private NullSink(bool countLines) => _countLines = countLines;

    public static void Run(RoleOptions options)
    {
        var sink = new NullSink(options.Has("--count"));
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(512);
        Console.WriteLine($"listening {((IPEndPoint)listener.LocalEndPoint!).Port}");
        new Thread(() => sink.Accept(listener)) { IsBackground = true, Name = "accept" }.Start();
        while (Console.ReadLine() is not null)
        {
            var report = new SinkReport(
                Interlocked.Read(ref sink._requests), Interlocked.Read(ref sink._bodyBytes), Interlocked.Read(ref sink._lines));
            Console.WriteLine(JsonSerializer.Serialize(report, WorkerJson.Default.SinkReport));
        }
    }

    private void Accept(Socket listener)
    {
        while (true)
        {
            Socket client = listener.Accept();
            client.NoDelay = true;
            // 256 KiB of stack are plenty for a loop over one buffer, and 1 MiB each would show with hundreds of connections.
            new Thread(() => Serve(client), 256 << 10) { IsBackground = true, Name = "serve" }.Start();
        }
    }

    private void Serve(Socket client)
    {
        using (client)
        {
            try
            {
                new Connection(this, client).Run();
            }
            catch (SocketException)
            {
                // The program under test closed its connection in its own way; what it sent before has been counted.
            }
        }
    }

    private sealed class Connection(NullSink sink, Socket client)
    {
        private byte[] _buffer = GC.AllocateUninitializedArray<byte>(ReceiveBytes);
        private byte[] _inflated = [];
        private int _start;
        private int _end;

        public void Run()
        {
            while (true)
            {
                HttpRequestHead head;
                while (!HttpRequestHead.TryRead(_buffer.AsSpan(_start, _end - _start), out head))
                {
                    if (!Receive()) return;
                }
                _start += head.HeadLength;
                if (head.ExpectsContinue) client.Send("HTTP/1.1 100 Continue\r\n\r\n"u8);
                long length = sink._countLines && head.ContentLength >= 0 ? ReadWhole(head) : Skip(head);
                if (length < 0) return;
                Interlocked.Increment(ref sink._requests);
                Interlocked.Add(ref sink._bodyBytes, length);
                Interlocked.Add(ref sink._lines, head.StampedLines);
                client.Send(head.IsGet
                    ? "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nready\n"u8
                    : "HTTP/1.1 204 No Content\r\n\r\n"u8);
            }
        }

        /// <summary>Drops the body; returns its length, -1 when the peer went away.</summary>
        private long Skip(HttpRequestHead head)
        {
            if (head.ContentLength < 0) return SkipChunks();
            for (long left = head.ContentLength; ;)
            {
                int here = (int)Math.Min(left, _end - _start);
                _start += here;
                left -= here;
                if (left == 0) return head.ContentLength;
                if (!Receive()) return -1;
            }
        }

        private long SkipChunks()
        {
            for (long total = 0; ;)
            {
                int newline;
                while ((newline = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n"u8)) < 0)
                {
                    if (!Receive()) return -1;
                }
                if (!System.Buffers.Text.Utf8Parser.TryParse(_buffer.AsSpan(_start, newline), out long size, out _, 'x')) return -1;
                _start += newline + 2;
                for (long left = size + 2; left > 0;) // the chunk and its line end
                {
                    int here = (int)Math.Min(left, _end - _start);
                    _start += here;
                    left -= here;
                    if (left > 0 && !Receive()) return -1;
                }
                if (size == 0) return total;
                total += size;
            }
        }

        /// <summary>Keeps the body and counts what is in it: for agents that do not say how many lines they send.</summary>
        private long ReadWhole(HttpRequestHead head)
        {
            int length = checked((int)head.ContentLength);
            if (_buffer.Length < length) Array.Resize(ref _buffer, length * 2);
            while (_end - _start < length)
            {
                if (!Receive()) return -1;
            }
            ReadOnlyMemory<byte> body = _buffer.AsMemory(_start, length);
            _start += length;
            if (length > 0) Interlocked.Add(ref sink._lines, CountLines(head.IsGzip ? Inflate(body) : body.Span, head.IsJson));
            return length;
        }

        private long CountLines(ReadOnlySpan<byte> body, bool json)
        {
            // Inside a JSON string every quote is escaped, so that ["  can only open an entry ["time","line"].
            if (json) return body.Count("[\""u8);
            if (SnappyBlock.TryReadLength(body, 64 << 20, out int length) != SnappyError.None) return 0;
            if (_inflated.Length < length) _inflated = GC.AllocateUninitializedArray<byte>(length);
            if (SnappyBlock.TryDecode(body, _inflated.AsSpan(0, length), out int written) != SnappyError.None) return 0;
            ReadOnlySpan<byte> push = _inflated.AsSpan(0, written);
            // What a shipper writes about its lines is not one of them; these pushes have no other stream.
            if (push[..Math.Min(push.Length, LedgerLabelWithin)].IndexOf(LedgerLabel) >= 0) return 0;
            PushSummary summary = default;
            return PushSummary.TryRead(push, ref summary) == PushError.None ? summary.Entries : 0;
        }

        private static byte[] Inflate(ReadOnlyMemory<byte> body)
        {
            using var plain = new MemoryStream();
            using var gzip = new GZipStream(new MemoryStream(body.ToArray()), CompressionMode.Decompress);
            gzip.CopyTo(plain);
            return plain.ToArray();
        }

        /// <summary>Receives more; false at the end of the connection.</summary>
        private bool Receive()
        {
            if (_start == _end) _start = _end = 0;
            if (_end == _buffer.Length)
            {
                if (_start == 0) Array.Resize(ref _buffer, _buffer.Length * 2);
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                _end -= _start;
                _start = 0;
            }
            int count = client.Receive(_buffer, _end, _buffer.Length - _end, SocketFlags.None);
            _end += count;
            return count > 0;
        }
    }
}
