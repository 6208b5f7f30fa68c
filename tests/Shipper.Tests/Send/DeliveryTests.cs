// Every row of the status table against a real socket: what the sender does on the wire, and what it says became of the lines.
using System.Collections.Concurrent;
using System.Net.Http.Headers;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Send;
using LokiGateway.Shipper.Tests.Tail;
using LokiGateway.Testing;
using LokiGateway.Testing.Proto;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Delivery = LokiGateway.Shipper.Send.Delivery;

namespace LokiGateway.Shipper.Tests.Send;

public sealed class DeliveryTests
{
    [Fact]
    public async Task Ok_AcknowledgesAllLines_AndTheWireCarriesTenantTypeAndStamp()
    {
        PushReceived? seen = null;
        await using FaultSink sink = FaultSink.Start(push =>
        {
            seen = push;
            return SinkAnswer.Ok;
        });
        using DeliveryRig rig = new(sink);
        PushBody body = DeliveryRig.Body(DeliveryRig.Streams(2, 3)) with { Stamp = new BatchStamp("n1", 5, 7, 6, 6, 0, 0).ToString() };

        DeliveryResult result = await rig.Delivery.DeliverAsync(body, rig.Stop);

        Assert.Equal((6, 0), (result.Acked, result.Rejected));
        Assert.Equal("ops", seen!.Tenant);
        Assert.Equal("POST", seen.Method);
        Assert.Equal("application/x-protobuf", seen.Header("Content-Type"));
        Assert.Equal("node=n1;epoch=5;seq=7;lines=6;read=6;acked=0;lost=0", seen.Header("X-Loki-Shipper"));
        Assert.Equal(6, sink.StoredCount);
    }

    [Theory]
    [InlineData(408, 12)]
    [InlineData(429, 3)]
    [InlineData(500, 12)]
    [InlineData(502, 12)]
    [InlineData(503, 12)]
    public async Task PassingTrouble_IsRetriedWithTheSameBytesUntilItPasses(int status, int failures)
    {
        ConcurrentQueue<byte[]> bodies = new();
        await using FaultSink sink = FaultSink.Start(push =>
        {
            bodies.Enqueue(push.Body);
            return bodies.Count <= failures ? SinkAnswer.Refuse(status, "not now\n") : SinkAnswer.Ok;
        });
        using DeliveryRig rig = new(sink);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 3)), rig.Stop);

        Assert.Equal((3, 0), (result.Acked, result.Rejected));
        Assert.Equal(failures + 1, bodies.Count);
        Assert.All(bodies, body => Assert.Equal(bodies.First(), body));
        Assert.Equal(Enumerable.Repeat(status.ToString(), failures), rig.Observer.Retries);
        Assert.False(rig.Delivery.IsHeld);
    }

    [Fact]
    public async Task BrokenExchanges_AreRetried_AndLinesSentAgainAreCounted()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Script(SinkAnswer.DropBeforeReading, SinkAnswer.DropAfterReading(stored: true), SinkAnswer.CloseInMiddleOfAnswer());
        using DeliveryRig rig = new(sink);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 4)), rig.Stop);

        Assert.Equal((4, 0), (result.Acked, result.Rejected));
        Assert.Equal(4, sink.Distinct().Count);
        Assert.All(rig.Observer.Retries, status => Assert.Equal("connection", status));
        Assert.Equal(4 * rig.Observer.Retries.Count, rig.Observer.ResentLines);
    }

    [Fact]
    public async Task RefusedConnection_IsRetriedUntilSomebodyListens()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.RefuseConnections();
        using DeliveryRig rig = new(sink);

        Task<DeliveryResult> delivery = rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 2)), rig.Stop);
        await Eventually.True(() => rig.Observer.Retries.Count >= 3, "three attempts to have failed");
        Assert.False(delivery.IsCompleted);
        sink.AcceptConnections();

        Assert.Equal(2, (await delivery).Acked);
    }

    [Fact]
    public async Task SilentEndpoint_IsGivenUpAfterRemoteTimeout_AndAskedAgain()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Script(SinkAnswer.Stall);
        using DeliveryRig rig = new(sink, options => options with { RemoteTimeout = TimeSpan.FromMilliseconds(200) });
        sink.Default = SinkAnswer.Ok;

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 2)), rig.Stop);

        Assert.Equal(2, result.Acked);
        Assert.Contains("timeout", rig.Observer.Retries);
    }

    [Theory]
    [InlineData(260, "ingestion blocked for user ops until '2099-01-01T00:00:00Z' with status code '260'\n")]
    [InlineData(401, "no org id\n")]
    [InlineData(403, "forbidden\n")]
    [InlineData(404, "404 page not found\n")]
    [InlineData(405, "")]
    [InlineData(301, "")]
    [InlineData(407, "proxy wants to know who you are\n")]
    [InlineData(400, "tenant ID 'a b' contains unsupported character ' '\n")]
    public async Task ConfigurationTrouble_HoldsTheLines_AndSaysSo(int status, string text)
    {
        var healthy = false;
        await using FaultSink sink = FaultSink.Start(_ => Volatile.Read(ref healthy) ? SinkAnswer.Ok : SinkAnswer.Refuse(status, text));
        using DeliveryRig rig = new(sink);

        Task<DeliveryResult> delivery = rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 2)), rig.Stop);
        await Eventually.True(() => rig.Delivery.IsHeld && sink.Requests >= 2, "the push to be held and asked again");
        Assert.Contains(status.ToString(), rig.Delivery.HeldReason);
        Volatile.Write(ref healthy, true);

        Assert.Equal(2, (await delivery).Acked);
        Assert.False(rig.Delivery.IsHeld);
    }

    [Theory]
    [InlineData(413, "request body too large\n")]
    [InlineData(500, "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (12948666 vs. 4194304)\n")]
    public async Task TooLarge_GoesInHalvesUntilItFits_AndNothingIsLost(int status, string text)
    {
        await using FaultSink sink = FaultSink.Start(push =>
            push.Decode().Streams.Sum(stream => stream.Entries.Count) > 3 ? SinkAnswer.Refuse(status, text) : SinkAnswer.Ok);
        using DeliveryRig rig = new(sink);
        LogStream[] streams = DeliveryRig.Streams(3, 7);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(streams), rig.Stop);

        Assert.Equal((21, 0), (result.Acked, result.Rejected));
        Assert.Equal(DeliveryRig.Expected(streams), DeliveryRig.StoredIn(sink));
    }

    [Fact]
    public async Task SingleLineTooLarge_IsCutAndMarked()
    {
        await using FaultSink sink = FaultSink.Start(push => push.Decode().Streams[0].Entries[0].Line.Length > 1500
            ? SinkAnswer.Refuse(413, "too large\n")
            : SinkAnswer.Ok);
        using DeliveryRig rig = new(sink);

        DeliveryResult result = await rig.Delivery.DeliverAsync(
            DeliveryRig.Body(new LogStream("{app=\"a\"}", new LogEntry(DeliveryRig.Base, new string('é', 3000)))), rig.Stop);

        Assert.Equal((1, 0), (result.Acked, result.Rejected));
        string line = Assert.Single(sink.Stored()).Line;
        Assert.EndsWith(Delivery.CutMarker, line, StringComparison.Ordinal);
        Assert.StartsWith("éé", line, StringComparison.Ordinal);
        Assert.DoesNotContain('\uFFFD', line);
    }

    [Fact]
    public async Task NamedEntriesRefused_AreCountedByReason_AndTheRestIsAcknowledgedWithoutSendingAgain()
    {
        await using FaultSink sink = FaultSink.Start(_ => SinkAnswer.Partial((_, entry) => entry.Line == "line 1",
            "2 errors like: Max entry size '256' bytes exceeded for stream '{app=\"0\"}' while adding an entry with length '257' bytes; " +
            "1 errors like: entry for stream '{app=\"1\"}' has timestamp too old: 2026-01-01T00:00:00Z, oldest acceptable timestamp is: 2026-01-02T00:00:00Z\n"));
        using DeliveryRig rig = new(sink);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(3, 3)), rig.Stop);

        Assert.Equal((6, 3), (result.Acked, result.Rejected));
        Assert.Equal(new Dictionary<string, long> { ["line_too_long"] = 2, ["greater_than_max_sample_age"] = 1 }, result.RejectedByReason!);
        Assert.Equal(1, sink.Requests);
    }

    [Fact]
    public async Task IngestersCount_IsTakenFromItsText()
    {
        await using FaultSink sink = FaultSink.Start(_ => SinkAnswer.TooFarBehind((stream, _) => stream.Labels == "{app=\"1\"}"));
        using DeliveryRig rig = new(sink);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(2, 5)), rig.Stop);

        Assert.Equal((5, 5), (result.Acked, result.Rejected));
        Assert.Equal(5, result.RejectedByReason!["too_far_behind"]);
    }

    [Fact]
    public async Task RequestRefusedForOneStream_IsHalvedDownToThatStream()
    {
        await using FaultSink sink = FaultSink.Start(push => push.Decode().Streams.Any(stream => stream.Labels == "{app=\"4\"}")
            ? SinkAnswer.Refuse(400, "couldn't parse labels: 1:5: parse error: unexpected end of input inside braces\n")
            : SinkAnswer.Ok);
        using DeliveryRig rig = new(sink);
        LogStream[] streams = DeliveryRig.Streams(9, 2);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(streams), rig.Stop);

        Assert.Equal((16, 2), (result.Acked, result.Rejected));
        Assert.Equal(2, result.RejectedByReason!["invalid_labels"]);
        Assert.Equal(DeliveryRig.Expected(streams).Where(entry => entry.Labels != "{app=\"4\"}"), DeliveryRig.StoredIn(sink));
    }

    [Fact]
    public async Task PiecesOfAPush_CarryStampsWithTheirOwnLineCounts()
    {
        ConcurrentQueue<(long Stamped, int Sent)> seen = new();
        await using FaultSink sink = FaultSink.Start(push =>
        {
            PushRequest request = push.Decode();
            int lines = request.Streams.Sum(stream => stream.Entries.Count);
            Assert.True(BatchStamp.TryParse(push.Header(BatchStamp.HeaderName), out BatchStamp stamp));
            seen.Enqueue((stamp.Lines, lines));
            return lines > 4 ? SinkAnswer.Refuse(413) : SinkAnswer.Ok;
        });
        using DeliveryRig rig = new(sink);

        await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(2, 8)) with { Stamp = new BatchStamp("n", 1, 1, 16, 16, 0, 0).ToString() }, rig.Stop);

        Assert.True(seen.Count >= 5);
        Assert.All(seen, pair => Assert.Equal(pair.Sent, pair.Stamped));
    }

    [Fact]
    public async Task RateLimitNotRetried_WhenToldSo_IsARejectionWithReason()
    {
        await using FaultSink sink = FaultSink.Start(_ => SinkAnswer.RateLimited());
        using DeliveryRig rig = new(sink, options => options with { RetryOn429 = false });

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(2, 2)), rig.Stop);

        Assert.Equal((0, 4), (result.Acked, result.Rejected));
        Assert.Equal(4, result.RejectedByReason!["rate_limited"]);
        Assert.Equal(1, sink.Requests);
    }

    [Fact]
    public async Task PushLargerThanTheTenantsBurst_GoesInPartsThatFit()
    {
        await using FaultSink sink = FaultSink.Start(push =>
            push.Decode().Streams.Sum(stream => stream.Entries.Count) > 5 ? SinkAnswer.RateLimited() : SinkAnswer.Ok);
        using DeliveryRig rig = new(sink);
        LogStream[] streams = DeliveryRig.Streams(2, 8);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(streams), rig.Stop);

        Assert.Equal((16, 0), (result.Acked, result.Rejected));
        Assert.Equal(DeliveryRig.Expected(streams), DeliveryRig.StoredIn(sink));
    }

    [Fact]
    public async Task HeldBackTenant_DoesNotDelayAnother()
    {
        await using FaultSink sink = FaultSink.Start(push => push.Tenant == "slow" ? SinkAnswer.RateLimited("3600") : SinkAnswer.Ok);
        using DeliveryRig rig = new(sink, options => options with { MaxBackoff = TimeSpan.FromHours(1) });

        Task<DeliveryResult> slow = rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 1)) with { Tenant = "slow" }, rig.Stop);
        await Eventually.True(() => sink.Requests >= 1, "the slow tenant to have been refused");
        for (int i = 0; i < 20; i++) Assert.Equal(1, (await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 1)), rig.Stop)).Acked);

        Assert.False(slow.IsCompleted);
        rig.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => slow);
    }

    [Fact]
    public async Task Stop_LeavesThePushUndecided()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Default = SinkAnswer.Stall;
        using DeliveryRig rig = new(sink);

        Task<DeliveryResult> delivery = rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 1)), rig.Stop);
        await Eventually.True(() => sink.Requests == 1, "the request to be under way");
        rig.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => delivery);
    }

    [Fact]
    public async Task RotatedToken_IsUsedWithoutRestart_AndAMissingOneHolds()
    {
        using TempDirectory directory = new();
        string file = Path.Combine(directory.Path, "token");
        await using FaultSink sink = FaultSink.Start(push => push.Header("Authorization") switch
        {
            "Bearer new" => SinkAnswer.Ok,
            _ => SinkAnswer.Refuse(401, "no\n"),
        });
        using DeliveryRig rig = new(sink, options => options with { BearerTokenFile = file });

        Task<DeliveryResult> delivery = rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 1)), rig.Stop);
        await Eventually.True(() => rig.Delivery.IsHeld, "a push without its credentials to be held");
        Assert.Contains(file, rig.Delivery.HeldReason);
        Assert.Equal(0, sink.Requests);
        await File.WriteAllTextAsync(file, "old\n", rig.Stop);
        await Eventually.True(() => sink.Requests >= 1, "the old token to be tried");
        await File.WriteAllTextAsync(file + ".next", "new\n", rig.Stop);
        File.Move(file + ".next", file, overwrite: true);

        Assert.Equal(1, (await delivery).Acked);
    }

    [Fact]
    public async Task RotatedSecretBehindASwappedLink_IsUsedAtOnceWhenTheOldOneIsRefused()
    {
        using TempDirectory directory = new();
        MountedVolume secret = new(directory.Path + "/secret", ("token", "old"));
        ConcurrentQueue<string?> seen = new();
        await using FaultSink sink = FaultSink.Start(push =>
        {
            seen.Enqueue(push.Header("Authorization"));
            if (seen.Count == 1) return SinkAnswer.Ok;
            // The secret changes between our last look and the answer: nothing but the 401 can tell.
            if (seen.Count == 2) secret.Write(("token", "new"));
            return push.Header("Authorization") == "Bearer new" ? SinkAnswer.Ok : SinkAnswer.Refuse(401, "no\n");
        });
        // A pause of 10 s at least if it were held.
        using DeliveryRig rig = new(sink, options => options with
        {
            BearerTokenFile = secret.File("token"),
            MinBackoff = TimeSpan.FromMinutes(1),
            MaxBackoff = TimeSpan.FromMinutes(1),
        });

        Assert.Equal(1, (await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 1)), rig.Stop)).Acked);
        Assert.Equal(1, (await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 1)), rig.Stop)).Acked);

        Assert.Equal(["Bearer old", "Bearer old", "Bearer new"], seen);
        Assert.Empty(rig.Observer.Retries);
    }

    [Theory]
    [InlineData("")]
    [InlineData("one\ntwo\n")]
    [InlineData(null)]
    public void SpoiledSecretFile_LeavesTheLastGoodOneInUse_SaysSoOnceAndCounts(string? spoiled)
    {
        using TempDirectory directory = new();
        string file = directory.Write("password", "s3cret\n");
        FakeTimeProvider time = new();
        RecordedLog log = new();
        SendRecorder observer = new();
        EndpointCredentials credentials = new(
            new EndpointOptions { Url = new Uri("http://localhost/"), BasicAuthUsername = "u", BasicAuthPasswordFile = file }, observer, time, log);
        Assert.True(credentials.TryGet(out AuthenticationHeaderValue? before, out _));

        if (spoiled is null) File.Delete(file);
        else File.WriteAllText(file, spoiled);
        for (int look = 0; look < 3; look++)
        {
            time.Advance(SecretFile.LookPeriod);
            Assert.True(credentials.TryGet(out AuthenticationHeaderValue? header, out string? trouble));
            Assert.Same(before, header);
            Assert.Null(trouble);
        }

        (LogLevel level, string text) = Assert.Single(log.Lines);
        Assert.Equal(LogLevel.Error, level);
        Assert.Contains(file, text, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", text, StringComparison.Ordinal);
        Assert.DoesNotContain("one", text.Replace("more than one line", "", StringComparison.Ordinal).Replace("ones", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal(["password_file", "password_file", "password_file"], observer.Unusable);
    }

    [Fact]
    public async Task RequestRefusedForOneEntry_IsSearchedDownToIt_AndASampleIsKept()
    {
        await using FaultSink sink = FaultSink.Start(push => push.Decode().Streams.Any(stream => stream.Entries.Any(entry => entry.Line == "poison"))
            ? SinkAnswer.Refuse(400, "something that no Loki has said before\n")
            : SinkAnswer.Ok);
        using DeliveryRig rig = new(sink);
        LogStream[] streams = DeliveryRig.Streams(3, 40);
        streams[1].Entries[17] = streams[1].Entries[17] with { Line = "poison" };

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(streams), rig.Stop);

        Assert.Equal((119, 1), (result.Acked, result.RejectedByReason!["refused"]));
        Assert.Equal(DeliveryRig.Expected(streams).Where(entry => entry.Line != "poison"), DeliveryRig.StoredIn(sink));
        RejectedEntry sample = Assert.Single(rig.Samples.Kept);
        Assert.Equal(("ops", "{app=\"1\"}", DeliveryRig.Base + 17, "refused", "400 something that no Loki has said before"),
            (sample.Tenant, sample.Labels, sample.UnixNanos, sample.Reason, sample.Answer));
        Assert.Equal("poison"u8.ToArray(), sample.Line);
    }

    [Fact]
    public async Task StreamWhoseEveryEntryIsRefused_IsGivenUpAfterSomeDozens_AndTheOthersAreStored()
    {
        await using FaultSink sink = FaultSink.Start(push => push.Decode().Streams.Any(stream => stream.Labels == "{app=\"1\"}")
            ? SinkAnswer.Refuse(400, "something that no Loki has said before\n")
            : SinkAnswer.Ok);
        using DeliveryRig rig = new(sink);
        LogStream[] streams = DeliveryRig.Streams(3, 2000);

        DeliveryResult result = await rig.Delivery.DeliverAsync(DeliveryRig.Body(streams), rig.Stop);

        Assert.Equal((4000, 2000), (result.Acked, result.RejectedByReason!["refused"]));
        Assert.Equal(DeliveryRig.Expected(streams).Where(entry => entry.Labels != "{app=\"1\"}"), DeliveryRig.StoredIn(sink));
        Assert.InRange(sink.Requests, 64, 200);
        Assert.Equal(2000, rig.Samples.Kept.Sum(sample => sample.Entries));
    }

    [Fact]
    public async Task SamplesOfAPartialRefusal_AreTheEntriesThatTheReasonPointsAt()
    {
        await using FaultSink sink = FaultSink.Start(_ => SinkAnswer.Partial((_, entry) => entry.Line is "line 0" or "line 1",
            "4 errors like: entry for stream '{app=\"1\"}' has timestamp too old: 2026-01-01T00:00:00Z, oldest acceptable timestamp is: 2026-01-02T00:00:00Z\n"));
        using DeliveryRig rig = new(sink);

        await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(2, 4)), rig.Stop);

        Assert.Equal(["line 0", "line 0", "line 1", "line 1"],
            rig.Samples.Kept.Select(sample => System.Text.Encoding.UTF8.GetString(sample.Line!)).Order());
        Assert.All(rig.Samples.Kept, sample => Assert.Equal("greater_than_max_sample_age", sample.Reason));
    }

    [Theory]
    [InlineData(503, false)]
    [InlineData(503, true)]
    [InlineData(429, false)]
    [InlineData(429, true)]
    public async Task RetryAfter_InSecondsOrAsADate_IsObeyed(int status, bool asDate)
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 11, 23, 2, 0, 0, TimeSpan.Zero));
        DateTimeOffset began = time.GetUtcNow();
        ConcurrentQueue<DateTimeOffset> arrivals = new();
        string retryAfter = asDate ? (began + TimeSpan.FromSeconds(30)).ToString("R") : "30";
        await using FaultSink sink = FaultSink.Start(_ =>
        {
            arrivals.Enqueue(time.GetUtcNow());
            return arrivals.Count == 1 ? SinkAnswer.Refuse(status, "later\n", ("Retry-After", retryAfter)) : SinkAnswer.Ok;
        });
        using DeliveryRig rig = new(
            sink, options => options with { MaxBackoff = TimeSpan.FromMinutes(5), RemoteTimeout = TimeSpan.FromMinutes(10) }, time);

        Task<DeliveryResult> delivery = rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 1)), rig.Stop);
        await Eventually.True(() =>
        {
            // Only once the answer is there: the clock is the endpoint's, too.
            if (!rig.Observer.Retries.IsEmpty) time.Advance(TimeSpan.FromSeconds(1));
            return delivery.IsCompleted;
        }, "the second attempt");

        Assert.Equal(1, (await delivery).Acked);
        Assert.True(arrivals.Last() - began >= TimeSpan.FromSeconds(30), $"{arrivals.Last() - began}");
    }

    [Fact]
    public async Task RateLimit_SlowsTheTenantDown_AndNobodyElse()
    {
        await using FaultSink sink = FaultSink.Start();
        sink.Script(SinkAnswer.RateLimited(), SinkAnswer.RateLimited());
        using DeliveryRig rig = new(sink);

        await rig.Delivery.DeliverAsync(DeliveryRig.Body(DeliveryRig.Streams(1, 3)), rig.Stop);

        Assert.InRange(rig.Delivery.PaceOf("ops").Rate, TenantPace.RateMin, TenantPace.UsedMin);
        Assert.Equal(double.PositiveInfinity, rig.Delivery.PaceOf("dev").Rate);
    }
}
