// How long an outage lasts for the lines that wait: until somebody's push went through, and not until everybody's own wait is over.
using LokiGateway.Shipper.Send;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Shipper.Tests.Send;

public sealed class OutageTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);
    private static readonly PushAnswer Down = new(DeliveryOutcome.Retry, "503", "");

    private readonly FakeTimeProvider _time = new();
    private readonly Outage _outage;

    public OutageTests() => _outage = new Outage(_time);

    [Fact]
    public async Task FirstSuccessAfterASilence_EndsEveryWait_ButThoseThatWereAskedFor()
    {
        Task waiting = _outage.WaitAsync(Long, Down, TestContext.Current.CancellationToken);
        Task limited = _outage.WaitAsync(Long, Down with { Status = "429" }, TestContext.Current.CancellationToken);
        Task asked = _outage.WaitAsync(Long, Down with { RetryAfter = Long }, TestContext.Current.CancellationToken);
        _time.Advance(Outage.SilenceMin);
        _outage.Succeeded();
        await waiting;
        Assert.False(limited.IsCompleted || asked.IsCompleted);
        _time.Advance(Long);
        await limited;
        await asked;
    }

    [Fact]
    public async Task EndpointThatLetsThroughAPushNowAndThen_IsNotHurried()
    {
        _outage.Succeeded();
        Task waiting = _outage.WaitAsync(Long, Down, TestContext.Current.CancellationToken);
        for (int i = 0; i < 100; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(2.9));
            _outage.Succeeded();
        }
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(10));
        await waiting;
    }

    [Fact]
    public async Task Stop_EndsTheWait()
    {
        using var stop = new CancellationTokenSource();
        Task waiting = _outage.WaitAsync(Long, Down, stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task PushThatWaits_GoesAsSoonAsAnotherOneWentThrough()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Script(SinkAnswer.Refuse(503, "later\n"));
        using DeliveryRig rig = new(
            sink, options => options with { MinBackoff = TimeSpan.FromMinutes(1), MaxBackoff = Long, RemoteTimeout = Long }, _time);
        Task<DeliveryResult> first = rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 1)), rig.Stop);
        await Eventually.True(() => !rig.Observer.Retries.IsEmpty, "the refusal");
        _time.Advance(Outage.SilenceMin);
        Assert.Equal(2, (await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 2)), rig.Stop)).Acked);
        // The clock stands still.
        Assert.Equal(1, (await first).Acked);
    }
}
