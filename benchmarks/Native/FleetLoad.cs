// A fleet of shippers at their own pace, a third of it one tenant that sends far over its limits: what the other tenants notice of that. Unlike the load generator it
// does not send as fast as it is answered, because shippers do not.
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using LokiGateway.Protocol.Push;
using LokiGateway.Protocol.Snappy;

namespace LokiGateway.Benchmarks.Native;

/// <summary>Runs to its end and prints a <see cref="FleetReport"/>. Every connection is one thread and one tenant, and carries several shippers in turn.</summary>
internal sealed class FleetLoad
{
    /// <summary>What a node with a few dozen quiet containers batches in a second.</summary>
    private const int StreamsPerPush = 5, LinesPerStream = 10, LineBytes = 200;

    /// <summary>Of the greedy tenant's streams in a push: the others are new each time.</summary>
    private const int GreedyKnownStreams = 2;

    /// <summary>Waits of the first seconds do not count: connections open, and the gateway's memory grows to its size.</summary>
    private const double SettlingSeconds = 2;

    private static readonly string[] Tenants = ["calm-a", "calm-b", "greedy"];

    private readonly Uri _url;
    private readonly int _shippers;
    private readonly int _connections;
    private readonly double _seconds;
    private readonly double _greed;
    private readonly byte[] _entries;
    private string? _firstFailure;

    private FleetLoad(RoleOptions options)
    {
        _url = new Uri(options.Required("--url"));
        _shippers = (int)options.Number("--shippers", 1000);
        _connections = (int)options.Number("--connections", 200);
        _seconds = options.Number("--seconds", 10);
        _greed = options.Number("--greed", 0);
        _entries = Entries();
    }

    public static void Run(RoleOptions options) =>
        Console.WriteLine(JsonSerializer.Serialize(new FleetLoad(options).Measure(), WorkerJson.Default.FleetReport));

    private FleetReport Measure()
    {
        Shippers[] all = [.. Enumerable.Range(0, _connections).Where(i => i % Tenants.Length != 2 || _greed > 0).Select(i => new Shippers(this, i))];
        long startedAt = Stopwatch.GetTimestamp();
        Thread[] threads = [.. all.Select(one => new Thread(() => one.Run(startedAt), 256 << 10) { Name = "shippers" })];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        double seconds = Stopwatch.GetElapsedTime(startedAt).TotalSeconds;
        return new FleetReport([.. all.GroupBy(static one => one.Tenant).Select(static tenant => Report(tenant.Key, [.. tenant]))], seconds, _firstFailure);
    }

    private static FleetTenant Report(string tenant, Shippers[] all)
    {
        double[] waits = [.. all.SelectMany(static one => one.WaitsMs).Order()];
        double At(double share) => waits.Length == 0 ? 0 : waits[(int)(share * (waits.Length - 1))];
        return new FleetTenant(
            tenant, all.Sum(static one => one.Pushes), all.Sum(static one => one.Bytes), all.Sum(static one => one.Lines), all.Sum(static one => one.AckedLines),
            all.Sum(static one => one.RefusedLines), all.Sum(static one => one.FailedLines), At(0.5), At(0.99), At(1));
    }

    /// <summary>The entries of every stream: text that compresses about as logs do.</summary>
    private static byte[] Entries()
    {
        var random = new Random(7);
        byte[] entries = new byte[LinesPerStream * PushWriter.EntryLengthMax(LineBytes)];
        int end = 0;
        for (int line = 0; line < LinesPerStream; line++)
        {
            string text = string.Create(CultureInfo.InvariantCulture, $"level=info caller=handler.go:{random.Next(1000)} request={random.NextInt64():x16} user={random.NextInt64():x16} ");
            byte[] bytes = Encoding.ASCII.GetBytes(text.PadRight(LineBytes, '.'));
            end += PushWriter.WriteEntry(entries.AsSpan(end), 1_795_000_000_000_000_000 + line, bytes.AsSpan(0, LineBytes));
        }

        return entries[..end];
    }

    private sealed class Shippers(FleetLoad fleet, int connection)
    {
        private readonly byte[] _request = new byte[StreamsPerPush * (fleet._entries.Length + 256)];
        private readonly byte[] _body = new byte[SnappyBlock.CompressedLengthMax(StreamsPerPush * (fleet._entries.Length + 256))];
        private readonly byte[] _answer = new byte[64 << 10];
        private readonly bool _isGreedy = connection % Tenants.Length == 2;

        public string Tenant { get; } = Tenants[connection % Tenants.Length];

        public List<double> WaitsMs { get; } = new(1 << 12);

        public long Pushes { get; private set; }

        public long Bytes { get; private set; }

        public long Lines { get; private set; }

        public long AckedLines { get; private set; }

        public long RefusedLines { get; private set; }

        public long FailedLines { get; private set; }

        public void Run(long startedAt)
        {
            int shippers = (fleet._shippers - connection + fleet._connections - 1) / fleet._connections;
            double perSecond = shippers * (_isGreedy ? fleet._greed : 1);
            // Not all at once: each connection has its own moment within the second.
            double offset = (double)connection / fleet._connections / perSecond;
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                socket.Connect(fleet._url.Host, fleet._url.Port);
                for (long push = 0; ; push++)
                {
                    double dueSeconds = offset + push / perSecond;
                    if (dueSeconds >= fleet._seconds) return;
                    long due = startedAt + (long)(dueSeconds * Stopwatch.Frequency);
                    bool isLate = Stopwatch.GetTimestamp() >= due;
                    if (!isLate) Thread.Sleep(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due));
                    // The greedy one waits for answers as everybody does; a push that was due earlier counts from when it was due.
                    long from = isLate && !_isGreedy ? due : Stopwatch.GetTimestamp();
                    Push(socket, connection + (int)(push % shippers) * fleet._connections, push);
                    if (dueSeconds >= SettlingSeconds) WaitsMs.Add(Stopwatch.GetElapsedTime(from).TotalMilliseconds);
                }
            }
            catch (SocketException exception)
            {
                Interlocked.CompareExchange(ref fleet._firstFailure, $"connection to {fleet._url}: {exception.Message}", null);
            }
        }

        private void Push(Socket socket, int shipper, long number)
        {
            int end = 0;
            for (int stream = 0; stream < StreamsPerPush; stream++)
            {
                string labels = _isGreedy && stream >= GreedyKnownStreams
                    ? string.Create(CultureInfo.InvariantCulture, $$"""{app="loop", node="n-{{shipper}}", request="{{number}}-{{stream}}"}""")
                    : string.Create(CultureInfo.InvariantCulture, $$"""{app="app-{{stream}}", namespace="shop", node="n-{{shipper}}"}""");
                end += PushWriter.WriteStreamHeader(_request.AsSpan(end), Encoding.ASCII.GetBytes(labels), fleet._entries.Length);
                fleet._entries.CopyTo(_request, end);
                end += fleet._entries.Length;
            }

            int length = SnappyBlock.Compress(_request.AsSpan(0, end), _body);
            Pushes++;
            Bytes += end;
            Lines += StreamsPerPush * LinesPerStream;
            socket.Send(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
                $"POST {fleet._url.PathAndQuery} HTTP/1.1\r\nHost: {fleet._url.Authority}\r\nContent-Type: application/x-protobuf\r\n"
                + $"X-Scope-OrgID: {Tenant}\r\nContent-Length: {length}\r\n\r\n")));
            for (int sent = 0; sent < length;) sent += socket.Send(_body, sent, length - sent, SocketFlags.None);
            Count(ReadAnswer(socket));
        }

        private void Count(string answer)
        {
            const string Refused = "X-Loki-Gateway-Rejected-Streams: ";
            const int lines = StreamsPerPush * LinesPerStream;
            if (answer[9] == '2')
            {
                AckedLines += lines;
            }
            else if (answer.AsSpan(9, 3) is "429")
            {
                int at = answer.IndexOf(Refused, StringComparison.OrdinalIgnoreCase);
                // Labels are escaped in it: a comma stands between two of them. All of these are short enough to be named.
                int refused = at < 0 ? lines : LinesPerStream * (1 + answer.AsSpan(at, answer.IndexOf('\r', at) - at).Count(','));
                RefusedLines += refused;
                AckedLines += lines - refused;
            }
            else
            {
                FailedLines += lines;
                Interlocked.CompareExchange(ref fleet._firstFailure, answer, null);
            }
        }

        private string ReadAnswer(Socket socket)
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
                return Encoding.UTF8.GetString(answer);
            }
        }
    }
}
