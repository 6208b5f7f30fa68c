// 429s that are about single streams: what is set aside, what goes on, what is on the wire for it.
using System.Collections.Concurrent;
using LokiGateway.Shipper.Send;
using LokiGateway.Testing;
using LokiGateway.Testing.Proto;

namespace LokiGateway.Shipper.Tests.Send;

public sealed class RefusedStreamsTests
{
    private const string Header = "X-Loki-Gateway-Rejected-Streams";

    [Fact]
    public async Task StreamsThatTheGatewayNames_AreSetAside_TheRestIsAcknowledgedWithOneRequest()
    {
        await using FaultSink sink = FaultSink.Start(_ => Limited("{app=\"1\"}", "%7Bapp=%221%22%7D,{app=\"3\"}"));
        using DeliveryRig rig = new(sink);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(5, 2)), rig.Stop);

        ParkedPush parked = Assert.Single(result.Parked!);
        Assert.Equal((6, 0, 4), (result.Acked, result.Rejected, parked.Body.Lines));
        Assert.Equal(["{app=\"1\"}", "{app=\"3\"}"], parked.Labels.Order());
        PushRequest body = PushRequests.ReadSnappy(parked.Body.Compressed.ToArray());
        Assert.Equal(["{app=\"1\"}", "{app=\"3\"}"], body.Streams.Select(stream => stream.Labels));
        Assert.Equal(["line 0", "line 1", "line 0", "line 1"], body.Streams.SelectMany(stream => stream.Entries).Select(entry => entry.Line));
        Assert.Equal(1, sink.Requests);
    }

    [Fact]
    public async Task RefusedStreams_AreSaidOnce_NotAtEveryNewTry()
    {
        await using FaultSink sink = FaultSink.Start(_ => Limited("{app=\"0\"}", "{app=\"0\"}"));
        using DeliveryRig rig = new(sink);
        PushBody body = DeliveryRig.Body(DeliveryRig.Streams(2, 2));
        for (int attempt = 0; attempt < 3; attempt++) await rig.Delivery.DeliverAsync(body with { IsTriedAgain = attempt > 0 }, rig.Stop);
        Assert.Contains("over a limit of theirs", Assert.Single(rig.Logged.Lines).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StreamsThatDidNotFitIntoTheHeader_AreFoundByAskingForTheRestAgain()
    {
        string[] over = ["{app=\"0\"}", "{app=\"2\"}", "{app=\"4\"}"];
        await using FaultSink sink = FaultSink.Start(push =>
        {
            string[] refused = [.. push.Decode().Streams.Select(stream => stream.Labels).Intersect(over)];
            return refused.Length == 0 ? SinkAnswer.Ok : Limited(refused[^1], refused.Length == 1 ? refused[0] : $"{refused[0]},+{refused.Length - 1}");
        });
        using DeliveryRig rig = new(sink);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(6, 2)), rig.Stop);

        Assert.Equal(6, result.Acked);
        Assert.Equal(over, result.Parked!.SelectMany(parked => parked.Labels).Order());
        Assert.Equal(3, sink.Requests);
    }

    [Fact]
    public async Task StreamThatLokiNames_IsSetAside_TheRestIsSentAgain()
    {
        await using FaultSink sink = FaultSink.Start(push => push.Decode().Streams.Any(stream => stream.Labels == "{app=\"2\"}")
            ? SinkAnswer.Refuse(429, StreamLimitText("{app=\"2\", service_name=\"2\"}"))
            : SinkAnswer.Ok);
        using DeliveryRig rig = new(sink);
        LogStream[] streams = DeliveryRig.Streams(4, 3);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(streams), rig.Stop);

        Assert.Equal(9, result.Acked);
        Assert.Equal("{app=\"2\"}", Assert.Single(Assert.Single(result.Parked!).Labels));
        Assert.Equal(DeliveryRig.Expected(streams).Where(entry => entry.Labels != "{app=\"2\"}"), DeliveryRig.StoredIn(sink));
        Assert.Equal(9, rig.Observer.ResentLines);
    }

    [Fact]
    public async Task StreamOverItsOwnRate_IsSetAside_AndTheTenantIsNotSlowed()
    {
        await using FaultSink sink = FaultSink.Start(push => push.Decode().Streams.Any(stream => stream.Labels == "{app=\"0\"}")
            ? SinkAnswer.Refuse(429, "entry with timestamp 2026-11-22 22:15:01 +0000 UTC ignored, reason: 'Per stream rate limit exceeded (limit: 3MB/sec) while " +
                "attempting to ingest for stream '{app=\"0\"}' totaling 9B, consider splitting a stream via additional labels or contact your Loki administrator " +
                "to see if the limit can be increased',\nuser 'ops', total ignored: 2 out of 2 for stream: {app=\"0\"}\n")
            : SinkAnswer.Ok);
        using DeliveryRig rig = new(sink);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(2, 2)), rig.Stop);

        Assert.Equal(2, result.Acked);
        Assert.Equal("{app=\"0\"}", Assert.Single(Assert.Single(result.Parked!).Labels));
        Assert.Equal(double.PositiveInfinity, rig.Delivery.PaceOf("ops").Rate);
    }

    [Fact]
    public async Task OnlyStreamOfAPush_IsMeant_WhateverTheTextNames()
    {
        await using FaultSink sink = FaultSink.Start(_ => SinkAnswer.Refuse(429, StreamLimitText("{some=\"other\"}")));
        using DeliveryRig rig = new(sink);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(3, 1)), rig.Stop);

        Assert.Equal((0, 3), (result.Acked, result.Parked!.Sum(parked => parked.Body.Lines)));
    }

    [Fact]
    public async Task WhatLokiHadAgainstTheOthers_IsCountedToo()
    {
        await using FaultSink sink = FaultSink.Start(_ => Limited("{app=\"0\"}", "{app=\"0\"}",
            "2 errors like: entry for stream '{app=\"1\"}' has timestamp too new: 2026-11-24T00:00:00Z"));
        using DeliveryRig rig = new(sink);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(3, 2)), rig.Stop);

        Assert.Equal((2, 2, 2), (result.Acked, result.RejectedByReason!["too_far_in_future"], result.Parked!.Sum(parked => parked.Body.Lines)));
    }

    [Fact]
    public async Task RestThatLokiRefusedAsAWhole_IsNotTakenForStored()
    {
        ConcurrentQueue<int> streamsSent = new();
        await using FaultSink sink = FaultSink.Start(push =>
        {
            PushRequest request = push.Decode();
            streamsSent.Enqueue(request.Streams.Count);
            if (request.Streams.Any(stream => stream.Labels == "{app=\"0\"}")) return Limited("{app=\"0\"}", "{app=\"0\"}", "couldn't parse labels: 1:2");
            return request.Streams.Any(stream => stream.Labels == "{app=\"2\"}") ? SinkAnswer.Refuse(400, "couldn't parse labels: 1:2\n") : SinkAnswer.Ok;
        });
        using DeliveryRig rig = new(sink);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(4, 1)), rig.Stop);

        Assert.Equal((2, 1, 1), (result.Acked, result.RejectedByReason!["invalid_labels"], result.Parked!.Sum(parked => parked.Body.Lines)));
        Assert.Equal(["{app=\"1\"}", "{app=\"3\"}"], sink.Stored().Select(entry => entry.Labels));
    }

    [Fact]
    public async Task HeaderBesideARateLimit_DecidesNothing()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Script(SinkAnswer.Refuse(429, SinkAnswer.RateLimited().Body, (Header, "{app=\"0\"}")));
        using DeliveryRig rig = new(sink);
        LogStream[] streams = DeliveryRig.Streams(2, 2);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(streams), rig.Stop);

        Assert.Equal((4, 0), (result.Acked, result.Rejected));
        Assert.Equal(DeliveryRig.Expected(streams), DeliveryRig.StoredIn(sink));
    }

    [Fact]
    public async Task RefusedStreamsAreGivenUp_WhenToldNotToRetry()
    {
        await using FaultSink sink = FaultSink.Start(_ => Limited("{app=\"1\"}", "{app=\"1\"}"));
        using DeliveryRig rig = new(sink, options => options with { RetryOn429 = false });

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(2, 2)), rig.Stop);

        Assert.Null(result.Parked);
        Assert.Equal((2, 2), (result.Acked, result.RejectedByReason!["stream_limit"]));
        Assert.All(rig.Samples.Kept, sample => Assert.Equal("{app=\"1\"}", sample.Labels));
    }

    [Theory]
    [InlineData("{a=\"b\"}", new[] { "{a=\"b\"}" }, 0)]
    [InlineData("{a=\"%2C%25%2B\"},{b=\"%C3%A9\"}", new[] { "{a=\",%+\"}", "{b=\"é\"}" }, 0)]
    [InlineData("{a=\"b\"},+12", new[] { "{a=\"b\"}" }, 12)]
    [InlineData(",+3", new string[0], 3)]
    public void HeaderIsRead(string value, string[] labels, int unnamed)
    {
        Assert.True(RejectedStreamsHeader.TryParse(value, out RejectedStreamsHeader? header));
        Assert.Equal(labels, header.Labels);
        Assert.Equal(unnamed, header.Unnamed);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("{a=\"b\"},")]
    [InlineData("+1,{a=\"b\"}")]
    [InlineData("{a=\"b\"},+-1")]
    [InlineData("{a=\"b\"},+99999999999")]
    [InlineData("{a=\"%2\"}%")]
    [InlineData("{a=\"%zz\"}")]
    [InlineData("{a=\"b c\"}")]
    public void WhatIsNoHeader_IsRefused(string? value) => Assert.False(RejectedStreamsHeader.TryParse(value, out _));

    private static SinkAnswer Limited(string last, string header, string lokis = "") =>
        SinkAnswer.Refuse(429, StreamLimitText(last) + lokis, (Header, header));

    private static string StreamLimitText(string labels) =>
        $"Maximum active stream limit exceeded when trying to create stream {labels}, reduce the number of active streams (reduce labels or reduce label " +
        "values), or contact your Loki administrator to see if the limit can be increased, user: 'ops'\n";
}
