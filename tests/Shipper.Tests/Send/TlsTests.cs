// Real handshakes with certificates made for the test: whom the shipper trusts, what it shows, and that a mistake in a certificate holds the lines and loses none.
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using LokiGateway.Shipper.Send;
using LokiGateway.Shipper.Tests.Tail;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Shipper.Tests.Send;

public sealed class TlsTests : IDisposable
{
    private readonly TempDirectory _directory = new("tls");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly TestAuthority _authority = new();
    private readonly RecordedLog _logs = new();
    private readonly Watcher _watcher = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PrivateAuthority_IsTrusted_AndTheClientsCertificateIsShown(bool rsa)
    {
        await using FaultSink sink = FaultSink.Start();
        await using TlsFront front = TlsFront.Start(sink.Address, _authority.Issue("loki", ["localhost"], rsa: rsa));
        var clients = new TestAuthority("Clients");
        front.ClientsSignedBy = clients;
        TestCertificate shipper = clients.Issue("shipper", rsa: rsa);
        using PushClient client = Client(front, Files(ca: _authority.Pem, shipper));

        PushAnswer answer = await client.PushAsync(Body(), CancellationToken.None);

        Assert.Equal(DeliveryOutcome.Acknowledged, answer.Outcome);
        Assert.Equal(["CN=shipper"], front.Clients);
        Assert.Equal(["ca", "client", "server"], _watcher.Ends.Keys.Order());
    }

    [Fact]
    public async Task ClientCertificateBelowAnIntermediate_IsShownWithIt()
    {
        await using FaultSink sink = FaultSink.Start();
        await using TlsFront front = TlsFront.Start(sink.Address, _authority.Issue("loki", ["localhost"]));
        front.ClientsSignedBy = _authority;
        TestAuthority between = _authority.Intermediate("Between");
        TestCertificate leaf = between.Issue("shipper");
        using PushClient client = Client(front, Files(ca: _authority.Pem, leaf with { Pem = leaf.Pem + "\n" + between.Pem }));

        Assert.Equal(DeliveryOutcome.Acknowledged, (await client.PushAsync(Body(), CancellationToken.None)).Outcome);
        Assert.Equal(["CN=shipper"], front.Clients);
    }

    [Fact]
    public async Task StrangeAuthority_HoldsAndNamesTheCertificate()
    {
        await using FaultSink sink = FaultSink.Start();
        await using TlsFront front = TlsFront.Start(sink.Address, new TestAuthority("Strange CA").Issue("loki", ["localhost"]));
        TlsOptions tls = Files(ca: _authority.Pem);
        using PushClient client = Client(front, tls);

        PushAnswer answer = await client.PushAsync(Body(), CancellationToken.None);

        AssertHeldForTls(answer);
        Assert.Contains($"no certificate of endpoint.tls.ca_file {tls.CaFile} is its issuer", answer.Text, StringComparison.Ordinal);
        Assert.Contains("subject=\"CN=loki\" issuer=\"CN=Strange CA\"", answer.Text, StringComparison.Ordinal);
        Assert.Matches(@"not_after=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer.Text);
        Assert.Equal(0, sink.Requests);
    }

    [Fact]
    public async Task SystemsAuthorities_AreTrustedWithoutACaFile_AndOursIsNotAmongThem()
    {
        await using FaultSink sink = FaultSink.Start();
        await using TlsFront front = TlsFront.Start(sink.Address, _authority.Issue("loki", ["localhost"]));
        using PushClient client = Client(front, new TlsOptions());

        PushAnswer answer = await client.PushAsync(Body(), CancellationToken.None);

        Assert.Equal(DeliveryOutcome.Hold, answer.Outcome);
        Assert.Contains("none of the system's trusted certificates is its issuer", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongName_IsRefused_AndServerNameSaysWhatToExpect()
    {
        await using FaultSink sink = FaultSink.Start();
        await using TlsFront front = TlsFront.Start(sink.Address, _authority.Issue("loki", ["loki.example", "10.1.2.3"]));
        TlsOptions tls = Files(ca: _authority.Pem);
        using (PushClient client = Client(front, tls))
        {
            PushAnswer answer = await client.PushAsync(Body(), CancellationToken.None);
            Assert.Equal(DeliveryOutcome.Hold, answer.Outcome);
            Assert.Contains("it is for loki.example, 10.1.2.3 and not for \"localhost\" (endpoint.tls.server_name)", answer.Text, StringComparison.Ordinal);
        }
        using PushClient named = Client(front, tls with { ServerName = "loki.example" });
        Assert.Equal(DeliveryOutcome.Acknowledged, (await named.PushAsync(Body(), CancellationToken.None)).Outcome);
    }

    [Fact]
    public async Task ServerName_IsAlsoWhatTheEndpointIsAskedFor()
    {
        await using FaultSink sink = FaultSink.Start();
        await using TlsFront front = TlsFront.Start(sink.Address, _authority.Issue("loki", ["loki.example"]));
        using PushClient client = Client(front, Files(ca: _authority.Pem) with { ServerName = "loki.example" });

        Assert.Equal(DeliveryOutcome.Acknowledged, (await client.PushAsync(Body(), CancellationToken.None)).Outcome);
        Assert.Equal(["loki.example"], front.AskedNames);
    }

    [Fact]
    public async Task ExpiredCertificate_IsRefusedWithItsDate()
    {
        DateTimeOffset end = DateTimeOffset.UtcNow.AddDays(-2);
        await using FaultSink sink = FaultSink.Start();
        await using TlsFront front = TlsFront.Start(sink.Address, _authority.Issue("loki", ["localhost"], notAfter: end));
        using PushClient client = Client(front, Files(ca: _authority.Pem));

        PushAnswer answer = await client.PushAsync(Body(), CancellationToken.None);

        Assert.Equal(DeliveryOutcome.Hold, answer.Outcome);
        Assert.Contains($"it expired on {end.UtcDateTime:yyyy-MM-dd}", answer.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("issuer;", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ForgedIssuerName_IsNotTrusted()
    {
        // Same name as the authority, another key.
        await using FaultSink sink = FaultSink.Start();
        await using TlsFront front = TlsFront.Start(sink.Address, new TestAuthority().Issue("loki", ["localhost"]));
        using PushClient client = Client(front, Files(ca: _authority.Pem));

        AssertHeldForTls(await client.PushAsync(Body(), CancellationToken.None));
        Assert.Equal(0, sink.Requests);
    }

    [Fact]
    public async Task InsecureSkipVerify_TakesAnything_AndSaysSoAtTheStart()
    {
        await using FaultSink sink = FaultSink.Start();
        await using TlsFront front = TlsFront.Start(sink.Address, new TestAuthority("Strange CA").Issue("loki", ["elsewhere"]));
        using PushClient client = Client(front, new TlsOptions { InsecureSkipVerify = true });

        Assert.Equal(DeliveryOutcome.Acknowledged, (await client.PushAsync(Body(), CancellationToken.None)).Outcome);
        Assert.Contains(Said, static line => line.Contains("insecure_skip_verify", StringComparison.Ordinal));
    }

    // RFC 8446, section 6: an alert record is type 21, version, length 2, level 2 (fatal), description.
    [Theory]
    [InlineData(42, "bad certificate (it does not take the certificate of endpoint.tls.cert_file)")]
    [InlineData(48, "unknown ca (it does not take the certificate of endpoint.tls.cert_file)")]
    [InlineData(40, "handshake failure (does it ask for a certificate, endpoint.tls.cert_file?)")]
    [InlineData(70, "protocol version (endpoint.tls.min_version)")]
    public async Task AlertOfTheEndpoint_HoldsAndSaysWhereToLook(byte description, string text)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using PushClient client = Client(new Uri($"https://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}/"), Files(ca: _authority.Pem));
        Task<PushAnswer> push = client.PushAsync(Body(), CancellationToken.None);

        using Socket socket = await listener.AcceptSocketAsync();
        byte[] hello = new byte[5];
        await new NetworkStream(socket).ReadExactlyAsync(hello);
        await socket.SendAsync(new byte[] { 21, 3, 3, 0, 2, 2, description });
        PushAnswer answer = await push.WaitAsync(Eventually.DefaultDeadline);

        AssertHeldForTls(answer);
        Assert.EndsWith(text, answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PortWithoutTls_Holds()
    {
        await using FaultSink sink = FaultSink.Start();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using PushClient client = Client(new Uri($"https://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}/"), Files(ca: _authority.Pem));
        Task<PushAnswer> push = client.PushAsync(Body(), CancellationToken.None);

        using Socket socket = await listener.AcceptSocketAsync();
        await socket.SendAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
        PushAnswer answer = await push.WaitAsync(Eventually.DefaultDeadline);

        AssertHeldForTls(answer);
        Assert.Contains("does the endpoint speak TLS at this port", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BrokenConnection_IsRetriedAndNotTakenForACertificate()
    {
        await using FaultSink sink = FaultSink.Start();
        await using TlsFront front = TlsFront.Start(sink.Address, _authority.Issue("loki", ["localhost"]));
        sink.Script(SinkAnswer.DropAfterReading());
        using PushClient client = Client(front, Files(ca: _authority.Pem));

        PushAnswer answer = await client.PushAsync(Body(), CancellationToken.None);

        Assert.Equal((DeliveryOutcome.Retry, "connection"), (answer.Outcome, answer.Status));
        Assert.Equal(DeliveryOutcome.Acknowledged, (await client.PushAsync(Body(), CancellationToken.None)).Outcome);
    }

    [Fact]
    public async Task RotatedFiles_BySwappedLink_AreUsedByNewConnections()
    {
        var clients = new TestAuthority("Clients");
        await using FaultSink sink = FaultSink.Start();
        await using TlsFront front = TlsFront.Start(sink.Address, _authority.Issue("loki", ["localhost"]));
        front.ClientsSignedBy = clients;
        TestCertificate first = clients.Issue("first"), second = clients.Issue("second");
        var secret = new MountedVolume(_directory.Path + "/secret", ("ca.crt", _authority.Pem), ("tls.crt", first.Pem), ("tls.key", first.KeyPem));
        using PushClient client = Client(front, Mounted(secret));
        Assert.Equal(DeliveryOutcome.Acknowledged, (await client.PushAsync(Body(), CancellationToken.None)).Outcome);

        var other = new TestAuthority("Other CA");
        secret.Write(("ca.crt", other.Pem), ("tls.crt", second.Pem), ("tls.key", second.KeyPem));
        front.Use(other.Issue("loki", ["localhost"]));
        _time.Advance(SecretFile.LookPeriod);
        Assert.Equal(DeliveryOutcome.Acknowledged, (await client.PushAsync(Body(), CancellationToken.None)).Outcome);

        Assert.Equal(["CN=first", "CN=second"], front.Clients);
        Assert.Contains(Said, static line => line.Contains("certificates were changed", StringComparison.Ordinal));
        Assert.Empty(_watcher.Unusable);
    }

    [Fact]
    public async Task BadFiles_KeepTheOldOnes_AreSaidOnceAndCounted()
    {
        await using FaultSink sink = FaultSink.Start();
        await using TlsFront front = TlsFront.Start(sink.Address, _authority.Issue("loki", ["localhost"]));
        front.ClientsSignedBy = _authority;
        TestCertificate good = _authority.Issue("good");
        var secret = new MountedVolume(_directory.Path + "/secret", ("ca.crt", _authority.Pem), ("tls.crt", good.Pem), ("tls.key", good.KeyPem));
        using PushClient client = Client(front, Mounted(secret));

        secret.Write(("ca.crt", _authority.Pem), ("tls.crt", good.Pem), ("tls.key", _authority.Issue("another").KeyPem));
        for (int push = 0; push < 4; push++)
        {
            _time.Advance(SecretFile.LookPeriod);
            Assert.Equal(DeliveryOutcome.Acknowledged, (await client.PushAsync(Body(), CancellationToken.None)).Outcome);
        }

        string said = Assert.Single(Said, static line => line.Contains("certificates cannot be used", StringComparison.Ordinal));
        Assert.Contains("tls.key: the key does not fit the certificate in cert_file", said, StringComparison.Ordinal);
        // The first look may have met a swap half done; each one after it counts.
        Assert.Equal(["tls", "tls", "tls"], _watcher.Unusable);
        Assert.Equal(["CN=good"], front.Clients);
    }

    [Fact]
    public void Start_NamesKeyFileAndWhatIsWrong()
    {
        TestCertificate good = _authority.Issue("good");
        string key = good.KeyPem, pem = good.Pem;
        Assert.Matches(@"^endpoint\.tls\.ca_file .*/ca\.pem: there is no such file$", Refusal(new TlsOptions { CaFile = _directory.Path + "/ca.pem" }));
        Assert.Matches(@"^endpoint\.tls\.ca_file .*ca\.pem: is empty$", Refusal(Files(ca: " \n")));
        Assert.Matches(@"^endpoint\.tls\.ca_file .*ca\.pem: holds no certificate in PEM form", Refusal(Files(ca: "hello")));
        Assert.Matches(@"^endpoint\.tls\.ca_file .*ca\.pem: certificate 1 in it is damaged",
            Refusal(Files(ca: "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n")));
        Assert.Matches(@"^endpoint\.tls\.cert_file .*cert\.pem: holds no certificate", Refusal(Files(null, new TestCertificate(key, key))));
        Assert.Matches(@"^endpoint\.tls\.key_file .*key\.pem: holds no private key", Refusal(Files(null, new TestCertificate(pem, pem))));
        Assert.Matches(@"^endpoint\.tls\.key_file .*key\.pem: the key is encrypted",
            Refusal(Files(null, new TestCertificate(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n"))));
        Assert.Matches(@"^endpoint\.tls\.key_file .*key\.pem: the key does not fit the certificate in cert_file .*cert\.pem \(subject ""CN=good""\)",
            Refusal(Files(null, good with { KeyPem = _authority.Issue("other").KeyPem })));
        Assert.Matches(@"^endpoint\.tls\.key_file .*key\.pem: the key does not fit", Refusal(Files(null, good with { KeyPem = _authority.Issue("r", rsa: true).KeyPem })));
        Assert.Matches(@"^endpoint\.tls\.key_file .*key\.pem: the key cannot be read",
            Refusal(Files(null, good with { KeyPem = "-----BEGIN PRIVATE KEY-----\nMIIBAAAA\n-----END PRIVATE KEY-----\n" })));
        Assert.Matches(@"^endpoint\.tls\.ca_file .*: is a directory$", Refusal(new TlsOptions { CaFile = _directory.Path }));
    }

    [Fact]
    public void ExpiredFiles_AreAWarningWithTheDate()
    {
        DateTimeOffset end = DateTimeOffset.UtcNow.AddDays(-3);
        using PushClient client = Client(new Uri("https://localhost:1/"), Files(null, _authority.Issue("old", notAfter: end)));

        Assert.Single(Said, static line => line.Contains("Warning a certificate has expired", StringComparison.Ordinal));
        Assert.Equal(end.ToUnixTimeSeconds(), _watcher.Ends["client"].ToUnixTimeSeconds());
    }

    private static void AssertHeldForTls(PushAnswer answer) =>
        Assert.True(answer is { Outcome: DeliveryOutcome.Hold, Status: "tls" }, answer.ToString());

    private IEnumerable<string> Said => _logs.Lines.Select(static line => $"{line.Level} {line.Text}");

    private string Refusal(TlsOptions tls) => Assert.Throws<TlsException>(() => Client(new Uri("https://localhost:1/"), tls)).Message;

    private static PushBody Body()
    {
        LogStream[] streams = [new LogStream("{app=\"a\"}", [new LogEntry(PushRequests.Now(TimeSpan.Zero), "a line")])];
        return new PushBody("ops", PushRequests.Snappy(streams), PushRequests.Protobuf(streams).Length, 1, 1, null);
    }

    private PushClient Client(TlsFront front, TlsOptions tls) => Client(front.PushUrl, tls);

    private PushClient Client(Uri url, TlsOptions tls) =>
        new(new EndpointOptions { Url = url, TenantId = "ops", Tls = tls, RemoteTimeout = TimeSpan.FromMinutes(1) }, _watcher, _time, _logs);

    private TlsOptions Files(string? ca, TestCertificate? shown = null) => new()
    {
        CaFile = ca is null ? null : _directory.Write("ca.pem", ca),
        CertFile = shown is null ? null : _directory.Write("cert.pem", shown.Pem),
        KeyFile = shown is null ? null : _directory.Write("key.pem", shown.KeyPem),
    };

    private static TlsOptions Mounted(MountedVolume secret) =>
        new() { CaFile = secret.File("ca.crt"), CertFile = secret.File("tls.crt"), KeyFile = secret.File("tls.key") };

    private sealed class Watcher : SendObserver
    {
        public ConcurrentDictionary<string, DateTimeOffset> Ends { get; } = new();

        public ConcurrentQueue<string> Unusable { get; } = new();

        public override void CertificateSeen(string whose, DateTimeOffset notAfter) => Ends[whose] = notAfter;

        public override void CredentialsUnusable(string file) => Unusable.Enqueue(file);
    }
}
