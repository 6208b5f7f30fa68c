// A Delivery before a real socket, and pushes made by the oracle.
using System.Collections.Concurrent;
using LokiGateway.Shipper.Send;
using LokiGateway.Shipper.Tests.Tail;
using LokiGateway.Testing;
using Delivery = LokiGateway.Shipper.Send.Delivery;

namespace LokiGateway.Shipper.Tests.Send;

internal sealed class DeliveryRig : IDisposable
{
    public static readonly long Base = PushRequests.Now(TimeSpan.FromSeconds(-60));

    private readonly CancellationTokenSource _stop = new(TimeSpan.FromMinutes(2));

    public DeliveryRig(FaultSink sink, Func<EndpointOptions, EndpointOptions>? change = null, TimeProvider? time = null)
    {
        EndpointOptions options = new()
        {
            Url = sink.PushUrl,
            MinBackoff = TimeSpan.FromMilliseconds(1),
            MaxBackoff = TimeSpan.FromMilliseconds(20),
            RemoteTimeout = TimeSpan.FromSeconds(30),
        };
        Delivery = new Delivery(
            change?.Invoke(options) ?? options, Observer, time ?? TimeProvider.System, Logged, samples: Samples, clock: null);
    }

    public Delivery Delivery { get; }

    public RecordedLog Logged { get; } = new();

    public SendRecorder Observer { get; } = new();

    public SampleRecorder Samples { get; } = new();

    public CancellationToken Stop => _stop.Token;

    public void Cancel() => _stop.Cancel();

    public void Dispose()
    {
        Delivery.Dispose();
        _stop.Dispose();
    }

    public static LogStream[] Streams(int streams, int entries) =>
        [.. Enumerable.Range(0, streams).Select(stream => new LogStream($"{{app=\"{stream}\"}}",
            [.. Enumerable.Range(0, entries).Select(entry => new LogEntry(Base + entry, $"line {entry}", ("user", $"u{stream}")))]))];

    public static PushBody Body(params LogStream[] streams)
    {
        byte[] compressed = PushRequests.Snappy(streams);
        return new PushBody("ops", compressed, PushRequests.Protobuf(streams).Length, streams.Sum(stream => stream.Entries.Length), streams.Length, null);
    }

    public static IEnumerable<(string Labels, long UnixNanos, string Line, string User)> Expected(LogStream[] streams) =>
        streams.SelectMany(stream => stream.Entries.Select(entry => (stream.Labels, entry.UnixNanos, entry.Line, entry.Metadata[0].Value)));

    public static IEnumerable<(string Labels, long UnixNanos, string Line, string User)> StoredIn(FaultSink sink)
    {
        Assert.Empty(sink.Faults);
        return sink.Stored().Select(entry => (entry.Labels, entry.UnixNanos, entry.Line, entry.Metadata[0].Value));
    }
}

internal sealed class SendRecorder : SendObserver
{
    private long _resent;

    public ConcurrentQueue<string> Retries { get; } = new();

    public ConcurrentQueue<string> Unusable { get; } = new();

    public long ResentLines => Interlocked.Read(ref _resent);

    public override void Retried(string status) => Retries.Enqueue(status);

    public override void CredentialsUnusable(string file) => Unusable.Enqueue(file);

    public override void Resent(long lines) => Interlocked.Add(ref _resent, lines);
}

internal sealed class SampleRecorder : RejectedEntries
{
    public ConcurrentQueue<RejectedEntry> Kept { get; } = new();

    public override bool IsOn => true;

    public override bool MayKeep() => true;

    public override void Keep(in RejectedEntry entry) => Kept.Enqueue(entry);
}
