// A push endpoint that fails on command. Senders are tested against it because a real Loki cannot be told to close a connection in the middle
// of an answer; and it is the judge of delivery: it decodes what it "stored" with Google's protobuf and keeps it, so a test can ask for every
// line. Raw sockets, no Kestrel: the faults are faults of the wire.
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LokiGateway.Testing.Proto;

namespace LokiGateway.Testing;

/// <summary>One request as the sink received it.</summary>
/// <param name="Number">1 for the first push since the start.</param>
/// <param name="Method">Usually POST.</param>
/// <param name="Path">Path with query.</param>
/// <param name="Headers">Names compared without case; the values of a repeated name are joined by ", ".</param>
/// <param name="Body">The bytes as sent, still compressed; empty when the answer was to drop before reading.</param>
public sealed record PushReceived(long Number, string Method, string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    /// <summary>X-Scope-OrgID; empty when it was not sent.</summary>
    public string Tenant => Header("X-Scope-OrgID") ?? "";

    /// <summary>A header's value, or null.</summary>
    public string? Header(string name) => Headers.TryGetValue(name, out var value) ? value : null;

    /// <summary>The request decoded by the oracle. Throws when it is none.</summary>
    public PushRequest Decode() => PushRequests.ReadSnappy(Body);
}

/// <summary>
/// One entry that the sink stored, in the order of storing: <paramref name="Request"/> is the number of its push;
/// <paramref name="Acknowledged"/> says whether the push was answered with success.
/// </summary>
public sealed record StoredEntry(string Tenant, string Labels, long UnixNanos, string Line,
    IReadOnlyList<(string Name, string Value)> Metadata, long Request, DateTimeOffset StoredAt, bool Acknowledged);

/// <summary>
/// A push endpoint on a loopback port whose answers are scripted. All members may be called from any thread.
/// Answers are taken in this order: what <see cref="Script"/> queued, then the function given at the start, then <see cref="Default"/>.
/// <c>GET /ready</c> is answered 200 and what is posted under <c>/shipper/</c> <see cref="ReportStatus"/>, without touching the script.
/// Lines of the stream <c>{job="loki-shipper-ledger"}</c> are kept apart from all others, in <see cref="StoredLedger"/>.
/// </summary>
public sealed class FaultSink : IAsyncDisposable
{
    private readonly ConcurrentQueue<SinkAnswer> _script = new();
    private readonly Func<PushReceived, SinkAnswer>? _answer;
    private readonly bool _keeps;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Socket, byte> _connections = new();
    private readonly Lock _gate = new();
    private readonly List<StoredEntry> _stored = [];
    private readonly List<StoredEntry> _ledger = [];
    private readonly List<PushReceived> _reports = [];
    private readonly List<string> _faults = [];
    private readonly HashSet<string> _rejected = [];
    private readonly IPAddress _address;
    private readonly int _port;
    private TcpListener? _listener;
    private long _requests;
    private long _answered;
    private long _bodyBytes;

    private FaultSink(Func<PushReceived, SinkAnswer>? answer, bool keeps, IPAddress? address = null, int port = 0)
    {
        _answer = answer;
        _keeps = keeps;
        _address = address ?? IPAddress.Loopback;
        _listener = new TcpListener(_address, port);
        _listener.Start(512);
        _port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = AcceptLoop(_listener);
    }

    /// <summary>Starts a sink that stores what it acknowledges. <paramref name="answer"/> sees the whole request; null answers <see cref="Default"/>.</summary>
    public static FaultSink Start(Func<PushReceived, SinkAnswer>? answer = null) => new(answer, keeps: true);

    /// <summary>Starts a sink on an address of its own: several on one port are the pods behind one name.</summary>
    public static FaultSink StartAt(IPAddress address, int port, Func<PushReceived, SinkAnswer>? answer = null) => new(answer, keeps: true, address, port);

    /// <summary>Starts a sink that acknowledges everything, decodes nothing and keeps nothing but counts: for speed and memory tests.</summary>
    public static FaultSink StartNull() => new(null, keeps: false);

    /// <summary>What is answered when nothing else says so; at the start <see cref="SinkAnswer.Ok"/>.</summary>
    public SinkAnswer Default { get; set; } = SinkAnswer.Ok;

    /// <summary><c>http://127.0.0.1:port</c>, or the address that was asked for; stays the same over <see cref="RefuseConnections"/> and <see cref="AcceptConnections"/>.</summary>
    public Uri Address => new($"http://{new IPEndPoint(_address, _port)}");

    /// <summary>Connections that are open.</summary>
    public int Connections => _connections.Count;

    /// <summary>The push route.</summary>
    public Uri PushUrl => new(Address, "/loki/api/v1/push");

    /// <summary>Pushes received, whatever was answered.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Pushes whose exchange is over (answered, dropped or given up by the client).</summary>
    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Body bytes received, compressed.</summary>
    public long BodyBytes => Interlocked.Read(ref _bodyBytes);

    /// <summary>Answers still in the script.</summary>
    public int ScriptLeft => _script.Count;

    /// <summary>
    /// Requests that the oracle could not decode, and failures of the sink's own code. A test whose sender is meant to be correct asserts that
    /// it is empty.
    /// </summary>
    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (_gate) return [.. _faults];
        }
    }

    /// <summary>What a report is answered.</summary>
    public int ReportStatus { get; set; } = 204;

    /// <summary>Everything posted under <c>/shipper/</c>, in order.</summary>
    public IReadOnlyList<PushReceived> Reports
    {
        get
        {
            lock (_gate) return [.. _reports];
        }
    }

    /// <summary>Lines of the ledger stream, in the order of storing.</summary>
    public IReadOnlyList<StoredEntry> StoredLedger
    {
        get
        {
            lock (_gate) return [.. _ledger];
        }
    }

    /// <summary>Queues answers, one a push.</summary>
    public void Script(params ReadOnlySpan<SinkAnswer> answers)
    {
        foreach (var answer in answers) _script.Enqueue(answer);
    }

    /// <summary>Drops what <see cref="Script"/> queued.</summary>
    public void ClearScript() => _script.Clear();

    /// <summary>All stored entries with their duplicates, in the order of storing, of one tenant or of all.</summary>
    public IReadOnlyList<StoredEntry> Stored(string? tenant = null)
    {
        lock (_gate) return tenant is null ? [.. _stored] : [.. _stored.Where(entry => entry.Tenant == tenant)];
    }

    /// <summary>Lines that some answer refused (<see cref="SinkAnswer.Partial"/>), whatever became of them later.</summary>
    public IReadOnlySet<string> RejectedLines
    {
        get
        {
            lock (_gate) return _rejected.ToHashSet();
        }
    }

    /// <summary>Number of stored entries, duplicates included.</summary>
    public int StoredCount
    {
        get
        {
            lock (_gate) return _stored.Count;
        }
    }

    /// <summary>Stored entries as Loki would return them: one of those with equal tenant, stream, time and line; ordered by stream and time.</summary>
    public IReadOnlyList<StoredEntry> Distinct(string? tenant = null) =>
        [.. Stored(tenant)
            .DistinctBy(static entry => (entry.Tenant, entry.Labels, entry.UnixNanos, entry.Line))
            .OrderBy(static entry => entry.Labels, StringComparer.Ordinal).ThenBy(static entry => entry.UnixNanos)];

    /// <summary>Forgets what was stored.</summary>
    public void ForgetStored()
    {
        lock (_gate) _stored.Clear();
    }

    /// <summary>From now on connections are refused by the kernel; those that are open are reset.</summary>
    public void RefuseConnections()
    {
        lock (_gate)
        {
            _listener?.Stop();
            _listener = null;
        }
        foreach (var socket in _connections.Keys) Reset(socket);
    }

    /// <summary>Listens again on the same port.</summary>
    public void AcceptConnections()
    {
        lock (_gate)
        {
            if (_listener is not null) return;
            _listener = new TcpListener(_address, _port);
            _listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            _listener.Start(512);
            _ = AcceptLoop(_listener);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        RefuseConnections();
        _stop.Dispose();
    }

    private async Task AcceptLoop(TcpListener listener)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync(_stop.Token).ConfigureAwait(false);
                socket.NoDelay = true;
                _connections.TryAdd(socket, 0);
                _ = Serve(socket);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // RefuseConnections or the end of the test.
        }
    }

    private async Task Serve(Socket socket)
    {
        try
        {
            using var stream = new NetworkStream(socket, ownsSocket: false);
            using var reader = new HttpRequestReader(stream);
            while (await reader.ReadHeadAsync(_stop.Token).ConfigureAwait(false) is { } head)
            {
                if (!await Exchange(socket, stream, reader, head).ConfigureAwait(false)) return;
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client went away or the test ends: a push endpoint has to live with that.
        }
        catch (Exception e)
        {
            Fault($"{e.GetType().Name}: {e.Message}");
        }
        finally
        {
            _connections.TryRemove(socket, out _);
            socket.Dispose();
        }
    }

    private static bool IsOtlp(string path) => path.StartsWith("/otlp/", StringComparison.Ordinal);

    /// <summary>One request and its answer. False when the connection is over.</summary>
    private async Task<bool> Exchange(Socket socket, NetworkStream stream, HttpRequestReader reader, HttpRequestHead head)
    {
        if (!head.Path.Contains("push", StringComparison.Ordinal) && !IsOtlp(head.Path))
        {
            var other = await reader.ReadBodyAsync(head, 0, _stop.Token).ConfigureAwait(false);
            var isReport = head.Path.StartsWith("/shipper/", StringComparison.Ordinal);
            lock (_gate)
            {
                if (isReport) _reports.Add(new PushReceived(_reports.Count + 1, head.Method, head.Path, head.Headers, other));
            }
            var status = isReport ? ReportStatus : head.Path.StartsWith("/ready", StringComparison.Ordinal) ? 200 : 204;
            await WriteAnswer(stream, status, "", [], false).ConfigureAwait(false);
            return true;
        }

        var number = Interlocked.Increment(ref _requests);
        try
        {
            _script.TryDequeue(out var answer);
            if (answer?.Kind == SinkAnswer.Wire.DropBeforeReading)
            {
                Reset(socket);
                return false;
            }
            if (head.ExpectsContinue)
                await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), _stop.Token).ConfigureAwait(false);
            var body = await reader.ReadBodyAsync(head, answer?.ReadBytesPerSecond ?? 0, _stop.Token).ConfigureAwait(false);
            Interlocked.Add(ref _bodyBytes, body.Length);
            var push = new PushReceived(number, head.Method, head.Path, head.Headers, body);
            answer ??= _answer?.Invoke(push) ?? Default;
            return await Respond(socket, stream, push, answer).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Increment(ref _answered);
        }
    }

    private async Task<bool> Respond(Socket socket, NetworkStream stream, PushReceived push, SinkAnswer answer)
    {
        var text = answer.Body;
        // What OTLP makes of records is Loki's business: here they are taken and forgotten.
        if (_keeps && answer.Stores && !IsOtlp(push.Path))
        {
            try
            {
                var rejected = Store(push, answer);
                if (answer.Rejects is not null && rejected.Length == 0) answer = SinkAnswer.Ok with { Delay = answer.Delay };
                if (text == SinkAnswer.CountsMarker) text = rejected;
            }
            catch (Exception e)
            {
                // A push that the oracle cannot read is the sender's fault: said loudly to both the sender and the test.
                Fault($"push {push.Number}: {e.GetType().Name}: {e.Message}");
                await WriteAnswer(stream, 400, $"the oracle cannot decode this push: {e.Message}\n", [], false).ConfigureAwait(false);
                return true;
            }
        }
        if (answer.Delay > TimeSpan.Zero) await Task.Delay(answer.Delay, _stop.Token).ConfigureAwait(false);
        switch (answer.Kind)
        {
            case SinkAnswer.Wire.DropBeforeReading:
            case SinkAnswer.Wire.DropAfterReading:
                Reset(socket);
                return false;
            case SinkAnswer.Wire.Stall:
                // Reading returns 0 or throws when the client has given up.
                await stream.ReadAsync(new byte[1], _stop.Token).ConfigureAwait(false);
                return false;
            case SinkAnswer.Wire.CloseInMiddleOfAnswer:
                await WriteAnswer(stream, answer.Status, text, answer.Headers, half: true).ConfigureAwait(false);
                return false;
            default:
                await WriteAnswer(stream, answer.Status, text, answer.Headers, half: false).ConfigureAwait(false);
                return true;
        }
    }

    /// <summary>Keeps the entries and returns the text of Loki's ingester about the rejected ones; empty when there are none.</summary>
    private string Store(PushReceived push, SinkAnswer answer)
    {
        var acknowledged = answer is { Kind: SinkAnswer.Wire.Complete, Status: < 300 };
        var request = push.Decode();
        var text = "";
        var entries = new List<StoredEntry>();
        var now = DateTimeOffset.UtcNow;
        foreach (var stream in request.Streams)
        {
            var ignored = 0;
            EntryAdapter? last = null;
            foreach (var entry in stream.Entries)
            {
                if (answer.Rejects?.Invoke(stream, entry) == true)
                {
                    ignored++;
                    lock (_gate) _rejected.Add(entry.Line);
                    last = entry;
                    continue;
                }
                entries.Add(new StoredEntry(push.Tenant, stream.Labels, PushRequests.ToNanos(entry.Timestamp), entry.Line,
                    [.. entry.StructuredMetadata.Select(static pair => (pair.Name, pair.Value))], push.Number, now, acknowledged));
            }
            if (ignored > 0)
            {
                var time = last!.Timestamp.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm:ss.fffffff +0000 'UTC'", CultureInfo.InvariantCulture);
                text = $"entry with timestamp {time} ignored, reason: 'entry too far behind, entry timestamp is: {time}, " +
                       $"oldest acceptable timestamp is: {time}',\nuser '{push.Tenant}', total ignored: {ignored} out of " +
                       $"{stream.Entries.Count} for stream: {stream.Labels}\n";
            }
        }
        lock (_gate)
        {
            foreach (var entry in entries) (entry.Labels.Contains("job=\"loki-shipper-ledger\"", StringComparison.Ordinal) ? _ledger : _stored).Add(entry);
        }
        return text;
    }

    private async Task WriteAnswer(NetworkStream stream, int status, string body, IReadOnlyList<(string Name, string Value)> headers, bool half)
    {
        var payload = Encoding.UTF8.GetBytes(body);
        var head = new StringBuilder($"HTTP/1.1 {status} {Reason(status)}\r\nDate: {DateTimeOffset.UtcNow:R}\r\n");
        if (status is not 204) head.Append($"Content-Length: {payload.Length}\r\n");
        if (payload.Length > 0) head.Append("Content-Type: text/plain; charset=utf-8\r\n");
        foreach (var (name, value) in headers) head.Append($"{name}: {value}\r\n");
        head.Append("\r\n");
        byte[] bytes = [.. Encoding.ASCII.GetBytes(head.ToString()), .. status == 204 ? [] : half ? payload.AsSpan(0, payload.Length / 2) : payload];
        await stream.WriteAsync(bytes, _stop.Token).ConfigureAwait(false);
    }

    private static string Reason(int status) => Enum.IsDefined((HttpStatusCode)status) ? ((HttpStatusCode)status).ToString() : "Status";

    private static void Reset(Socket socket)
    {
        try
        {
            // Linger 0 makes close send a reset instead of a polite end.
            socket.LingerState = new LingerOption(true, 0);
            socket.Close();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Already gone.
        }
    }

    private void Fault(string text)
    {
        lock (_gate) _faults.Add(text);
    }
}
