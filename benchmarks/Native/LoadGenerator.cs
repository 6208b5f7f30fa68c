// Pushes as fast as the other side answers, or at a fixed rate to measure latency. Raw sockets, keep-alive, one thread a connection, bodies
// ready in memory: it must never be the thing that is measured.
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Benchmarks.Native;

/// <summary>
/// Builds its pushes, warms the other side up, prints <c>ready</c>, waits for a line on standard input, runs, prints a
/// <see cref="LoadReport"/>: the two moments between which the caller reads the CPU time of the program under test.
/// </summary>
internal sealed class LoadGenerator
{
    private readonly ReadyPush[] _pushes;
    private readonly byte[][] _heads;
    private readonly Uri _url;
    private readonly bool _isStamped;
    private readonly long _epoch = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
    private long _next;
    private int _senders;
    private string? _firstFailure;

    /// <param name="pushes">Sent in turn.</param>
    /// <param name="url">Where to.</param>
    /// <param name="token">A bearer token; null: none is sent.</param>
    /// <param name="isStamped">Whether each push carries a shipper's stamp, one node a connection.</param>
    private LoadGenerator(ReadyPush[] pushes, Uri url, string? token, bool isStamped)
    {
        _pushes = pushes;
        _url = url;
        _isStamped = isStamped;
        string authorization = token is null ? "" : $"Authorization: Bearer {token}\r\n";
        _heads = Array.ConvertAll(pushes, push => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"POST {url.PathAndQuery} HTTP/1.1\r\nHost: {url.Authority}\r\nContent-Type: application/x-protobuf\r\n"
            + $"X-Scope-OrgID: {push.Tenant}\r\n{authorization}Content-Length: {push.Compressed.Length}\r\n{(isStamped ? "" : "\r\n")}")));
    }

    public static void Run(RoleOptions options)
    {
        string? token = options.Has("--token") ? options.Required("--token") : null;
        var generator = new LoadGenerator(PushSet.Build(options.Required("--logs")), new Uri(options.Required("--url")), token, options.Has("--stamped"));
        int connections = (int)options.Number("--connections", 8);
        double rate = options.Number("--rate", 0);
        generator.Measure(connections, options.Number("--warmup", 2), rate);
        Console.WriteLine("ready");
        if (Console.ReadLine() is null) return;
        LoadReport report = generator.Measure(connections, options.Number("--seconds", 8), rate);
        Console.WriteLine(JsonSerializer.Serialize(report, WorkerJson.Default.LoadReport));
    }

    private LoadReport Measure(int connections, double seconds, double rate)
    {
        _firstFailure = null;
        _next = 0;
        long started = Stopwatch.GetTimestamp();
        var senders = new Sender[connections];
        var threads = new Thread[connections];
        for (int i = 0; i < connections; i++)
        {
            var sender = new Sender(this);
            senders[i] = sender;
            threads[i] = new Thread(() => sender.Run(started, seconds, rate), 256 << 10) { Name = "send" };
            threads[i].Start();
        }
        foreach (Thread thread in threads) thread.Join();
        return Report(senders, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private LoadReport Report(Sender[] senders, double seconds)
    {
        var latencies = new List<double>();
        long pushes = 0, failures = 0, bytes = 0, compressed = 0, lines = 0;
        foreach (Sender sender in senders)
        {
            latencies.AddRange(sender.LatenciesMs);
            pushes += sender.LatenciesMs.Count;
            failures += sender.Failures;
            bytes += sender.Bytes;
            compressed += sender.CompressedBytes;
            lines += sender.Lines;
        }
        latencies.Sort();
        double At(double share) => latencies.Count == 0 ? 0 : latencies[(int)(share * (latencies.Count - 1))];
        return new LoadReport(pushes, failures, _firstFailure, bytes, compressed, lines, seconds, At(0.5), At(0.99), At(1));
    }

    private sealed class Sender(LoadGenerator generator)
    {
        private readonly byte[] _answer = new byte[64 << 10];
        private readonly string _node = $"n-{Interlocked.Increment(ref generator._senders)}";
        private long _sequence;

        public List<double> LatenciesMs { get; } = new(1 << 16);

        public long Failures { get; private set; }

        public long Bytes { get; private set; }

        public long CompressedBytes { get; private set; }

        public long Lines { get; private set; }

        public void Run(long started, double seconds, double rate)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                socket.Connect(generator._url.Host, generator._url.Port);
                while (true)
                {
                    long index = Interlocked.Increment(ref generator._next) - 1;
                    long due = rate > 0 ? started + (long)(index / rate * Stopwatch.Frequency) : Stopwatch.GetTimestamp();
                    if (Stopwatch.GetElapsedTime(started, due).TotalSeconds >= seconds) return;
                    Push(socket, (int)(index % generator._pushes.Length), WaitUntil(due));
                }
            }
            catch (SocketException exception)
            {
                Failures++;
                Interlocked.CompareExchange(ref generator._firstFailure, $"connection to {generator._url}: {exception.Message}", null);
            }
        }

        /// <summary>
        /// Returns the moment from which the push's latency counts. A push that was already due waits for nothing and counts from when it
        /// was due (it queued behind a slow answer); one that we slept for counts from our waking, since a late wake-up is our own
        /// scheduler's.
        /// </summary>
        private static long WaitUntil(long due)
        {
            long ahead = due - Stopwatch.GetTimestamp();
            if (ahead <= 0) return due;
            Thread.Sleep((int)(ahead * 1000 / Stopwatch.Frequency));
            while (Stopwatch.GetTimestamp() < due) Thread.Yield(); // the last fraction of a millisecond
            return Stopwatch.GetTimestamp();
        }

        private void Push(Socket socket, int index, long from)
        {
            ReadyPush push = generator._pushes[index];
            socket.Send(generator._heads[index], SocketFlags.None);
            if (generator._isStamped)
            {
                // What is acknowledged is claimed by nobody here: the check of it costs the same.
                var stamp = new BatchStamp(_node, generator._epoch, ++_sequence, push.Lines, Lines + push.Lines, 0, 0);
                socket.Send(Encoding.ASCII.GetBytes($"{BatchStamp.HeaderName}: {stamp}\r\n\r\n"), SocketFlags.None);
            }

            for (int sent = 0; sent < push.Compressed.Length;)
                sent += socket.Send(push.Compressed, sent, push.Compressed.Length - sent, SocketFlags.None);
            string? failure = ReadAnswer(socket);
            LatenciesMs.Add(Stopwatch.GetElapsedTime(from).TotalMilliseconds);
            if (failure is not null)
            {
                Failures++;
                Interlocked.CompareExchange(ref generator._firstFailure, failure, null);
            }
            Bytes += push.Bytes;
            CompressedBytes += push.Compressed.Length;
            Lines += push.Lines;
        }

        /// <summary>Null for 2xx, otherwise the answer's status line and body.</summary>
        private string? ReadAnswer(Socket socket)
        {
            int length = 0;
            while (true)
            {
                int count = socket.Receive(_answer, length, _answer.Length - length, SocketFlags.None);
                if (count == 0) throw new SocketException((int)SocketError.ConnectionReset);
                length += count;
                ReadOnlySpan<byte> answer = _answer.AsSpan(0, length);
                if (!HttpRequestHead.TryRead(answer, out HttpRequestHead head)) continue;
                if (head.ContentLength >= 0 && length < head.HeadLength + head.ContentLength) continue;
                if (head.ContentLength < 0 && !answer.EndsWith("0\r\n\r\n"u8)) continue;
                return answer[9] == (byte)'2' ? null : Encoding.UTF8.GetString(answer[..Math.Min(length, 1000)]);
            }
        }
    }
}
