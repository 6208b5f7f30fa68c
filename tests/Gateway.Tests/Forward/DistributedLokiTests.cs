// Several distributors behind one name, on several loopback addresses and one port: what restarts, hangs or vanishes among them must cost no agent a push that
// another could have taken, and nothing may be sent twice that one of them may have stored.
using System.Net;
using System.Net.Sockets;
using LokiGateway.Gateway.Tests.Authenticate;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests.Forward;

public sealed class DistributedLokiTests
{
    [Fact]
    public async Task Pushes_AreSpreadEvenly()
    {
        await using var pods = Pods.Start(3);
        await using GatewayFixture gateway = await pods.GatewayAsync();
        for (int i = 0; i < 12; i++) Assert.Equal(204, await PushAsync(gateway));
        Assert.Equal([4, 4, 4], pods.Requests);
        MetricsPage metrics = await gateway.MetricsAsync();
        Assert.Equal((3, 0), (metrics.Sum("loki_gateway_upstream_addresses"), metrics.Sum("loki_gateway_upstream_addresses_ejected")));
    }

    [Fact]
    public async Task SlowDistributor_GetsNoMoreWhileOthersAreFree()
    {
        await using var pods = Pods.Start(3);
        await using GatewayFixture gateway = await pods.GatewayAsync();
        foreach (FaultSink pod in pods.All) pod.Script(SinkAnswer.Stall);
        Task<RawAnswer> first = gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        await Eventually.Equal(1, () => pods.Requests.Sum(), "the first push at a distributor");
        FaultSink slow = pods.All.Single(static pod => pod.Requests == 1);
        foreach (FaultSink pod in pods.All.Where(pod => pod != slow)) pod.ClearScript();
        for (int i = 0; i < 10; i++) Assert.Equal(204, await PushAsync(gateway));
        Assert.Equal(1, slow.Requests);
        Assert.All(pods.All.Where(pod => pod != slow), static pod => Assert.Equal(5, pod.Requests));
        slow.RefuseConnections();
        Assert.Equal(502, (await first).Status);
    }

    [Fact]
    public async Task RestartingDistributor_CostsNoPush_AndGetsItsShareAgain()
    {
        await using var pods = Pods.Start(3);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var log = new KeptLog();
        await using GatewayFixture gateway = await pods.GatewayAsync(time, log);
        for (int round = 0; round < 3; round++)
        {
            FaultSink restarting = pods.All[round];
            for (int i = 0; i < 6; i++) Assert.Equal(204, await PushAsync(gateway));
            restarting.RefuseConnections();
            for (int i = 0; i < 30; i++)
            {
                Assert.Equal(204, await PushAsync(gateway));
                time.Advance(TimeSpan.FromMilliseconds(500));
            }

            Assert.Equal(1, (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_addresses_ejected"));
            restarting.AcceptConnections();
            time.Advance(TimeSpan.FromSeconds(60));
            long before = restarting.Requests;
            for (int i = 0; i < 9; i++) Assert.Equal(204, await PushAsync(gateway));
            Assert.InRange(restarting.Requests - before, 2, 4);
            Assert.Equal(0, (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_addresses_ejected"));
        }

        // Probes after 1, 2, 4 and 8 s of fifteen: nothing is tried at every push.
        MetricsPage metrics = await gateway.MetricsAsync();
        Assert.InRange(metrics.Sum("loki_gateway_upstream_retries_total", ("reason", "unreachable")), 3, 18);
        Assert.Equal(metrics.Sum("loki_gateway_upstream_retries_total"), metrics.Sum("loki_gateway_upstream_ejections_total"));
        Assert.Equal(0, metrics.Sum("loki_gateway_upstream_breaker_open"));
        Assert.Contains("an address of Loki fails", log.Text, StringComparison.Ordinal);
        Assert.Contains("an address of Loki answers again", log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TwoDistributorsGoneAtOnce_StillCostNoPush()
    {
        await using var pods = Pods.Start(3);
        await using GatewayFixture gateway = await pods.GatewayAsync();
        pods.All[0].RefuseConnections();
        pods.All[2].RefuseConnections();
        for (int i = 0; i < 10; i++) Assert.Equal(204, await PushAsync(gateway));
        Assert.Equal([0, 10, 0], pods.Requests);
    }

    [Fact]
    public async Task PushesAtTheSameTime_SurviveTheLossOfADistributor()
    {
        await using var pods = Pods.Start(3);
        await using GatewayFixture gateway = await pods.GatewayAsync();
        pods.All[1].RefuseConnections();
        RawAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))));
        Assert.All(answers, static answer => Assert.Equal(204, answer.Status));
        Assert.Equal(60, pods.Requests.Sum());
    }

    [Fact]
    public async Task Clean503_IsTriedOnceMore_ElsewhereAndNeverAtTheSame()
    {
        await using var pods = Pods.Start(3);
        await using GatewayFixture gateway = await pods.GatewayAsync();
        foreach (FaultSink pod in pods.All) pod.Script(SinkAnswer.Refuse(503, "shutting down\n", ("Retry-After", "7")));
        // Two say no: the third is not asked, and the agent reads Loki's own words.
        RawAnswer refused = await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        Assert.Equal((503, "shutting down\n", "7"), (refused.Status, refused.Body, refused.Header("Retry-After")));
        Assert.Equal(2, pods.Requests.Sum());
        Assert.All(pods.Requests, static requests => Assert.InRange(requests, 0, 1));
        // One is left that says no: whoever meets it is taken by another.
        for (int i = 0; i < 3; i++) Assert.Equal(204, await PushAsync(gateway));
        Assert.Equal(2, (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_retries_total", ("reason", "status_503")));
    }

    [Fact]
    public async Task Clean503_WithNobodyElseThere_IsLokisAnswer()
    {
        await using var pods = Pods.Start(2);
        await using GatewayFixture gateway = await pods.GatewayAsync();
        pods.All[0].Default = SinkAnswer.Refuse(503, "shutting down\n");
        pods.All[1].RefuseConnections();
        for (int i = 0; i < 4; i++) Assert.Equal("shutting down\n", (await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Body);
    }

    [Theory]
    [InlineData("500", 500)]
    [InlineData("429", 429)]
    [InlineData("504", 504)]
    [InlineData("dropped", 502)]
    [InlineData("stored, then dropped", 502)]
    [InlineData("stalled", 504)]
    public async Task WhatMayHaveBeenStored_IsNeverSentToAnother(string fault, int expected)
    {
        await using var pods = Pods.Start(3);
        await using GatewayFixture gateway = await pods.GatewayAsync(timeout: TimeSpan.FromSeconds(2));
        foreach (FaultSink pod in pods.All)
        {
            pod.Script(fault switch
            {
                "stalled" => SinkAnswer.Stall,
                "dropped" => SinkAnswer.DropBeforeReading,
                "stored, then dropped" => SinkAnswer.DropAfterReading(stored: true),
                _ => SinkAnswer.Refuse(expected, "no\n"),
            });
        }

        Assert.Equal(expected, await PushAsync(gateway));
        Assert.Equal(1, pods.Requests.Sum());
    }

    [Fact]
    public async Task HangingDistributor_IsLeftOutAfterThreeTimeouts_AndProbedByOnePush()
    {
        await using var pods = Pods.Start(2);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using GatewayFixture gateway = await pods.GatewayAsync(time);
        pods.All[0].Default = SinkAnswer.Stall;
        var stuck = new List<Task<RawAnswer>>();
        while (pods.All[0].Requests < 3)
        {
            Task<RawAnswer> push = gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
            long before = pods.All[0].Requests;
            await Eventually.True(() => push.IsCompleted || pods.All[0].Requests > before, "the push is answered or stuck");
            if (push.IsCompleted) continue;
            stuck.Add(push);
            // One by one: failures in a row.
            time.Advance(TimeSpan.FromSeconds(31));
            Assert.Equal(504, (await push).Status);
        }

        Assert.Equal(1, (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_addresses_ejected"));
        for (int i = 0; i < 6; i++) Assert.Equal(204, await PushAsync(gateway));
        Assert.Equal(3, pods.All[0].Requests);
        pods.All[0].Default = SinkAnswer.Ok;
        time.Advance(TimeSpan.FromSeconds(1.1));
        for (int i = 0; i < 4; i++) Assert.Equal(204, await PushAsync(gateway));
        Assert.InRange(pods.All[0].Requests, 4, 6);
        Assert.Equal(0, (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_addresses_ejected"));
    }

    [Fact]
    public async Task AllGone_OpensTheBreaker_AndTheFirstThatIsBackClosesIt()
    {
        await using var pods = Pods.Start(3);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using GatewayFixture gateway = await pods.GatewayAsync(time);
        foreach (FaultSink pod in pods.All) pod.RefuseConnections();
        for (int i = 0; i < 10; i++)
        {
            RawAnswer answer = await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
            Assert.Equal(503, answer.Status);
            Assert.NotNull(answer.Header("Retry-After"));
        }

        MetricsPage down = await gateway.MetricsAsync();
        Assert.Equal((3, 1), (down.Sum("loki_gateway_upstream_addresses_ejected"), down.Sum("loki_gateway_upstream_breaker_open")));
        pods.All[2].AcceptConnections();
        time.Advance(TimeSpan.FromSeconds(2.1));
        for (int i = 0; i < 6; i++) Assert.Equal(204, await PushAsync(gateway));
        MetricsPage up = await gateway.MetricsAsync();
        Assert.Equal((2, 0), (up.Sum("loki_gateway_upstream_addresses_ejected"), up.Sum("loki_gateway_upstream_breaker_open")));
    }

    [Fact]
    public async Task AddressThatVanishesFromDns_FinishesItsPush_AndGetsNoMore()
    {
        await using var pods = Pods.Start(2);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using GatewayFixture gateway = await pods.GatewayAsync(time, timeout: TimeSpan.FromMinutes(10));
        foreach (FaultSink pod in pods.All) pod.Script(SinkAnswer.SlowAnswer(TimeSpan.FromSeconds(2)));
        Task<RawAnswer> slow = gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        await Eventually.Equal(1, () => pods.Requests.Sum(), "the push at a distributor");
        FaultSink leaving = pods.All.Single(static pod => pod.Requests == 1);
        foreach (FaultSink pod in pods.All) pod.ClearScript();
        pods.Named = [.. pods.Named.Where(ip => ip.ToString() != leaving.Address.Host)];
        await LookAsync(time, async () => (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_addresses") == 1, "the address is gone");
        for (int i = 0; i < 4; i++) Assert.Equal(204, await PushAsync(gateway));
        Assert.Equal(1, leaving.Requests);
        Assert.Equal(204, (await slow).Status);
        await Eventually.Equal(0, () => leaving.Connections, "connections to the address that is gone");
    }

    [Fact]
    public async Task NewAddress_IsFoundAtTheNextLook()
    {
        await using var pods = Pods.Start(2);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        IPAddress[] both = pods.Named;
        pods.Named = both[..1];
        await using GatewayFixture gateway = await pods.GatewayAsync(time);
        for (int i = 0; i < 4; i++) Assert.Equal(204, await PushAsync(gateway));
        pods.Named = both;
        await LookAsync(time, async () => (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_addresses") == 2, "the new address");
        for (int i = 0; i < 4; i++) Assert.Equal(204, await PushAsync(gateway));
        Assert.Equal([6, 2], pods.Requests);
    }

    [Fact]
    public async Task FailedConnection_AsksDnsAtOnce()
    {
        await using var pods = Pods.Start(2);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        IPAddress[] both = pods.Named;
        pods.Named = both[..1];
        await using GatewayFixture gateway = await pods.GatewayAsync(time);
        Assert.Equal(204, await PushAsync(gateway));
        pods.All[0].RefuseConnections();
        pods.Named = both[1..];
        time.Advance(TimeSpan.FromSeconds(1.5));
        await Eventually.TrueAsync(async () => await PushAsync(gateway) == 204, "the pod's new address is found without waiting for dns_refresh");
    }

    [Fact]
    public async Task WhileDnsFails_TheLastAnswerStays_AndItIsSaidOnce()
    {
        await using var pods = Pods.Start(2);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var log = new KeptLog();
        await using GatewayFixture gateway = await pods.GatewayAsync(time, log);
        Assert.Equal(204, await PushAsync(gateway));
        foreach (Exception? failure in (Exception?[])[new SocketException((int)SocketError.TryAgain), null, new SocketException((int)SocketError.HostNotFound)])
        {
            int before = pods.Lookups;
            (pods.Failure, pods.Named) = (failure, []);
            await LookAsync(time, () => Task.FromResult(pods.Lookups > before), "another look");
            Assert.Equal(204, await PushAsync(gateway));
        }

        await Eventually.TrueAsync(async () => (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_dns_last_lookup_successful") == 0, "the metric");
        Assert.Equal(2, (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_addresses"));
        Assert.Single(log.Lines, static line => line.Contains("cannot be resolved", StringComparison.Ordinal));
        (pods.Failure, pods.Named) = (null, [IPAddress.Loopback]);
        await LookAsync(time, async () => (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_dns_last_lookup_successful") == 1, "the metric is good again");
        Assert.Equal(1, (await gateway.MetricsAsync()).Sum("loki_gateway_upstream_addresses"));
    }

    [Fact]
    public async Task NameThatResolvesOnlyLater_DoesNotStopTheStart()
    {
        await using var pods = Pods.Start(1);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        pods.Failure = new SocketException((int)SocketError.HostNotFound);
        await using GatewayFixture gateway = await pods.GatewayAsync(time);
        RawAnswer early = await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        Assert.Equal((503, "1"), (early.Status, early.Header("Retry-After")));
        pods.Failure = null;
        // Once a second while nothing is known, and not only after dns_refresh.
        await Eventually.TrueAsync(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return await PushAsync(gateway) == 204;
        }, "a push goes through");
    }

    [Fact]
    public async Task ResolverThatHangs_IsGivenUpAfterFiveSeconds_AndNotAskedTwice()
    {
        await using var pods = Pods.Start(1);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        pods.Hang = new TaskCompletionSource<IPAddress[]>();
        await using GatewayFixture gateway = await pods.GatewayAsync(time);
        await Eventually.Equal(1, () => pods.Lookups, "the first look");
        Task<RawAnswer> push = gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"));
        await Eventually.True(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return push.IsCompleted;
        }, "the push is answered");
        Assert.Equal(503, (await push).Status);
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(1, pods.Lookups);
        TaskCompletionSource<IPAddress[]> hanging = pods.Hang;
        pods.Hang = null;
        hanging.SetException(new SocketException((int)SocketError.TimedOut));
        await Eventually.TrueAsync(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return await PushAsync(gateway) == 204;
        }, "a push goes through");
    }

    [Fact]
    public async Task NameOfTheSystemsResolver_WithAnAddressThatNobodyListensOn_CostsNoPush()
    {
        // localhost is ::1 and 127.0.0.1; the distributor has only the second.
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(change: static options =>
            options with { Upstream = options.Upstream with { PushUrl = new Uri($"http://localhost:{options.Upstream.PushUrl.Port}") } });
        for (int i = 0; i < 5; i++) Assert.Equal(204, await PushAsync(gateway));
        Assert.Equal(5, gateway.Loki.Requests);
        Assert.InRange((await gateway.MetricsAsync()).Sum("loki_gateway_upstream_addresses"), 1, 2);
    }

    [Fact]
    public async Task AddressOfVersion6_IsTakenAsItIs()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "no IPv6 here");
        await using var pods = Pods.Start([IPAddress.IPv6Loopback]);
        await using GatewayFixture gateway = await pods.GatewayAsync(url: pods.All[0].Address);
        Assert.Equal(204, await PushAsync(gateway));
        Assert.Equal(0, pods.Lookups);
        Assert.Equal(1, pods.All[0].Requests);
    }

    [Fact]
    public async Task Name_IsTheHostHeader_WhateverTheAddress()
    {
        string? host = null;
        await using var pods = Pods.Start(1, push =>
        {
            host = push.Header("Host");
            return SinkAnswer.Ok;
        });
        await using GatewayFixture gateway = await pods.GatewayAsync();
        Assert.Equal(204, await PushAsync(gateway));
        Assert.Equal($"loki.test:{pods.All[0].Address.Port}", host);
    }

    [Theory]
    [InlineData("loki.test", 204)]
    [InlineData("127.0.0.1", 503)]
    [InlineData("other.test", 503)]
    public async Task HttpsUpstream_IsAskedForAndCheckedByItsName(string certified, int expected)
    {
        using var files = new TempDirectory("upstream-tls");
        var authority = new TestAuthority();
        await using var loki = FaultSink.Start();
        await using var front = TlsFront.Start(loki.Address, authority.Issue(certified, [certified]));
        var log = new KeptLog();
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(logs: log, loki: loki, change: options => options with
        {
            Upstream = options.Upstream with
            {
                PushUrl = new Uri($"https://loki.test:{front.PushUrl.Port}"),
                CaFile = files.Write("ca.pem", authority.Pem),
                Resolve = static (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]),
            },
        });
        Assert.Equal(expected, await PushAsync(gateway));
        Assert.Equal(expected == 204 ? 1 : 0, loki.Requests);
        if (expected == 204) Assert.Equal(["loki.test"], front.AskedNames);
        else Assert.Contains("RemoteCertificateNameMismatch", log.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no PEM at all", "holds no certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "upstream.ca_file")]
    [InlineData(null, "upstream.ca_file")]
    public async Task UnusableCaFile_StopsTheStart(string? text, string expected)
    {
        using var files = new TempDirectory("upstream-tls");
        string path = text is null ? Path.Combine(files.Path, "missing.pem") : files.Write("ca.pem", text);
        ConfigurationException failure = await Assert.ThrowsAsync<ConfigurationException>(
            () => GatewayFixture.StartAsync(change: options => options with { Upstream = options.Upstream with { CaFile = path } }));
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Lets dns_refresh pass until it shows: while one look is under way the next is left out.</summary>
    private static Task LookAsync(FakeTimeProvider time, Func<Task<bool>> seen, string what) => Eventually.TrueAsync(async () =>
    {
        time.Advance(TimeSpan.FromSeconds(10));
        return await seen();
    }, what);

    private static async Task<int> PushAsync(GatewayFixture gateway) => (await gateway.PushAsync("ops", GatewayFixture.Line("{app=\"a\"}"))).Status;

    /// <summary>Distributors and the DNS that names them.</summary>
    private sealed class Pods(FaultSink[] all, IPAddress[] named) : IAsyncDisposable
    {
        private int _lookups;

        public FaultSink[] All => all;

        public IPAddress[] Named { get; set; } = named;

        public Exception? Failure { get; set; }

        public TaskCompletionSource<IPAddress[]>? Hang { get; set; }

        public int Lookups => Volatile.Read(ref _lookups);

        public long[] Requests => [.. all.Select(static pod => pod.Requests)];

        public static Pods Start(int count, Func<PushReceived, SinkAnswer>? answer = null) =>
            Start([.. Enumerable.Range(1, count).Select(static i => new IPAddress([127, 0, 0, (byte)i]))], answer);

        public static Pods Start(IPAddress[] addresses, Func<PushReceived, SinkAnswer>? answer = null)
        {
            int port = FreePort.Next();
            return new Pods([.. addresses.Select(ip => FaultSink.StartAt(ip, port, answer))], addresses);
        }

        public Task<GatewayFixture> GatewayAsync(TimeProvider? time = null, ILoggerFactory? logs = null, TimeSpan? timeout = null, Uri? url = null) =>
            GatewayFixture.StartAsync(time: time, logs: logs, loki: all[0], change: options => options with
            {
                Upstream = options.Upstream with
                {
                    PushUrl = url ?? new Uri($"http://loki.test:{all[0].Address.Port}"),
                    Timeout = timeout ?? options.Upstream.Timeout,
                    Resolve = ResolveAsync,
                },
            });

        public async ValueTask DisposeAsync()
        {
            foreach (FaultSink pod in all) await pod.DisposeAsync();
        }

        private Task<IPAddress[]> ResolveAsync(string host, CancellationToken ct)
        {
            Assert.Equal("loki.test", host);
            Interlocked.Increment(ref _lookups);
            if (Hang is { } hang) return hang.Task;
            return Failure is { } failure ? Task.FromException<IPAddress[]>(failure) : Task.FromResult(Named);
        }
    }
}
