// auth.mode mtls against a running gateway with real handshakes: whose certificate is taken, for which tenant, and what happens when files are exchanged while
// connections are open.
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Gateway.Tests.Authenticate;

public sealed class MtlsTests : IAsyncDisposable
{
    private static readonly TestAuthority Clients = new("Clients");
    private static readonly TestAuthority Strangers = new("Strangers");

    private readonly TempDirectory _directory = new("mtls");
    private readonly TestAuthority _servers = new("Servers");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly KeptLog _log = new();
    private GatewayFixture? _gateway;

    private static string Credentials { get; } = """
        credentials:
          - {id: node, subject: shipper-prod, tenants: [prod], allow: [push]}
          - {id: job, subject: "URI:spiffe://cluster/ns/dev/sa/job", tenants: [dev], allow: [push]}
          - {id: host, subject: "DNS:agent.example", tenants: [ops], allow: [push, read]}
        """;

    public static TheoryData<string, string[], string?> Subjects => new()
    {
        { "shipper-prod", [], "prod" },
        { "anything", ["spiffe://cluster/ns/dev/sa/job"], "dev" },
        { "anything", ["agent.example"], "ops" },
        { "anything", ["other.example", "agent.example"], "ops" },
        // Without its kind in the file a name may be of any; with it, of that one only.
        { "anything", ["shipper-prod"], "prod" },
        { "agent.example", [], null },
        { "spiffe://cluster/ns/dev/sa/job", [], null },
        { "shipper-prod2", [], null },
        { "shipper", ["spiffe://cluster/ns/dev/sa/job/x"], null },
    };

    [Theory]
    [MemberData(nameof(Subjects))]
    public async Task Subject_IsTheTenant(string commonName, string[] names, string? tenant)
    {
        await StartAsync();
        using HttpClient client = Client(Clients.Issue(commonName, names.Length == 0 ? null : names));
        using HttpResponseMessage answer = await PushAsync(client);
        Assert.Equal(tenant is null ? HttpStatusCode.Forbidden : HttpStatusCode.NoContent, answer.StatusCode);
        if (tenant is not null) Assert.Equal(tenant, Assert.Single(_gateway!.Loki.Stored()).Tenant);
        else Assert.Equal(1, (await _gateway!.MetricsAsync()).Sum("loki_gateway_auth_failures_total", ("reason", "unknown_subject")));
    }

    [Fact]
    public async Task TenantThatIsNotTheSubjects_Is403()
    {
        await StartAsync();
        using HttpClient client = Client(Clients.Issue("shipper-prod"));
        using HttpResponseMessage answer = await PushAsync(client, "dev");
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal(0, _gateway!.Loki.Requests);
    }

    public static TheoryData<string> Refused => ["none", "other authority", "expired", "self-signed", "server's authority", "for servers only"];

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task CertificateThatIsNotOfTheAuthority_GetsNoConnection(string what)
    {
        await StartAsync();
        using HttpClient client = Client(what switch
        {
            "none" => null,
            "other authority" => Strangers.Issue("shipper-prod"),
            // Same name, other key: what is compared is the signature.
            "self-signed" => new TestAuthority("Clients").Issue("shipper-prod"),
            "server's authority" => _servers.Issue("shipper-prod"),
            "for servers only" => Clients.Issue("shipper-prod", usage: "1.3.6.1.5.5.7.3.1"),
            _ => Clients.Issue("shipper-prod", notAfter: DateTimeOffset.UtcNow.AddDays(-1)),
        });
        await Assert.ThrowsAsync<HttpRequestException>(() => PushAsync(client));
        Assert.Equal(0, _gateway!.Loki.Requests);
        await Eventually.TrueAsync(
            async () => (await _gateway.MetricsAsync()).Sum("loki_gateway_auth_failures_total", ("reason", "certificate_refused")) > 0, "the refusal is counted");
        Assert.Contains("certificate of a client not taken", _log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("shipper-prod", _log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AuthorityBetween_IsFollowedUpToTheFiles()
    {
        await StartAsync();
        TestAuthority between = Clients.Intermediate("Between");
        using HttpClient client = Client(between.Issue("shipper-prod"), between.Pem);
        using HttpResponseMessage answer = await PushAsync(client);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    [Fact]
    public async Task NewServerCertificate_IsUsedByNewConnections_AndOpenOnesGoOn()
    {
        await StartAsync();
        using HttpClient open = Client(Clients.Issue("shipper-prod"), out Func<string?> openSaw);
        using (await PushAsync(open)) Write(_servers.Issue("second", ["localhost"]));
        Look();
        using HttpClient later = Client(Clients.Issue("shipper-prod"), out Func<string?> laterSaw);
        using (HttpResponseMessage answer = await PushAsync(later)) Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        using (HttpResponseMessage answer = await PushAsync(open)) Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(("CN=first", "CN=second"), (openSaw(), laterSaw()));
    }

    [Fact]
    public async Task KeyOfAnotherCertificate_LeavesTheOldInUse_AndShows()
    {
        await StartAsync();
        File.WriteAllText(_directory.File("tls.key"), _servers.Issue("other", ["localhost"]).KeyPem);
        Look();
        Assert.Equal(0, (await _gateway!.MetricsAsync()).Sum("loki_gateway_tls_last_reload_successful"));
        Assert.Contains("holds no key of the certificate", _log.Text, StringComparison.Ordinal);
        using HttpClient client = Client(Clients.Issue("shipper-prod"));
        using HttpResponseMessage answer = await PushAsync(client);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    [Fact]
    public async Task ExchangedAuthority_EndsOpenConnections_WithSomethingToTryAgain()
    {
        await StartAsync();
        using HttpClient open = Client(Clients.Issue("shipper-prod"));
        using (HttpResponseMessage before = await PushAsync(open)) Assert.Equal(HttpStatusCode.NoContent, before.StatusCode);
        _directory.Write("clients.pem", Strangers.Pem);
        Look();
        using (HttpResponseMessage after = await PushAsync(open))
        {
            Assert.Equal((HttpStatusCode.ServiceUnavailable, true), (after.StatusCode, after.Headers.ConnectionClose));
            Assert.NotNull(after.Headers.RetryAfter);
        }

        await Assert.ThrowsAsync<HttpRequestException>(() => PushAsync(open));
        using HttpClient stranger = Client(Strangers.Issue("shipper-prod"));
        using HttpResponseMessage now = await PushAsync(stranger);
        Assert.Equal(HttpStatusCode.NoContent, now.StatusCode);
    }

    [Fact]
    public async Task CertificateThatEndsWhileItsConnectionIsOpen_HasToBeShownAgain()
    {
        await StartAsync();
        using HttpClient open = Client(Clients.Issue("shipper-prod", notAfter: DateTimeOffset.UtcNow.AddHours(1)));
        using (HttpResponseMessage before = await PushAsync(open)) Assert.Equal(HttpStatusCode.NoContent, before.StatusCode);
        _time.Advance(TimeSpan.FromHours(2));
        using HttpResponseMessage after = await PushAsync(open);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, true), (after.StatusCode, after.Headers.ConnectionClose));
    }

    [Fact]
    public async Task SubjectTakenOutOfTheFile_EndsOnOpenConnections()
    {
        await StartAsync();
        using HttpClient open = Client(Clients.Issue("shipper-prod"));
        using (HttpResponseMessage before = await PushAsync(open)) Assert.Equal(HttpStatusCode.NoContent, before.StatusCode);
        _directory.Write("credentials.yaml", "credentials: [{id: other, subject: other, tenants: [prod], allow: [push]}]\n");
        Look();
        using HttpResponseMessage after = await PushAsync(open);
        Assert.Equal(HttpStatusCode.Forbidden, after.StatusCode);
    }

    [Fact]
    public async Task PlainHttp_IsNotAnswered()
    {
        await StartAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => RawHttp.PushAsync(new Uri($"http://127.0.0.1:{_gateway!.Address.Port}"), "prod", [0]));
        Assert.Equal(0, _gateway!.Loki.Requests);
    }

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null) await _gateway.DisposeAsync();
        _directory.Dispose();
    }

    private async Task StartAsync()
    {
        Write(_servers.Issue("first", ["localhost"]));
        string authorities = _directory.Write("clients.pem", Clients.Pem);
        string credentials = _directory.Write("credentials.yaml", Credentials);
        _gateway = await GatewayFixture.StartAsync(time: _time, logs: _log, auth: $"{{mode: mtls, credentials_file: \"{credentials}\"}}",
            server: $", tls: {{cert_file: \"{_directory.File("tls.crt")}\", key_file: \"{_directory.File("tls.key")}\", client_ca_file: \"{authorities}\"}}");
    }

    private void Write(TestCertificate certificate)
    {
        _directory.Write("tls.crt", certificate.Pem);
        _directory.Write("tls.key", certificate.KeyPem);
    }

    private void Look()
    {
        for (int look = 0; look < 2; look++) _time.Advance(TimeSpan.FromSeconds(1));
    }

    private HttpClient Client(TestCertificate? shown, string? chain = null) => Client(shown, out _, chain);

    private HttpClient Client(TestCertificate? shown, out Func<string?> saw, string? chain = null)
    {
        X509Certificate2 root = X509Certificate2.CreateFromPem(_servers.Pem);
        string? server = null;
        saw = () => server;
        var between = new X509Certificate2Collection();
        if (chain is not null) between.ImportFromPem(chain);
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            MaxConnectionsPerServer = 1,
            SslOptions = new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                ClientCertificateContext = shown is null ? null : SslStreamCertificateContext.Create(shown.ToCertificate(), between, offline: true),
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    server = certificate!.Subject;
                    return certificate.Issuer == root.Subject;
                },
            },
        };
        return new HttpClient(handler) { BaseAddress = new Uri($"https://localhost:{_gateway!.Address.Port}") };
    }

    private static async Task<HttpResponseMessage> PushAsync(HttpClient client, string? tenant = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/loki/api/v1/push")
        {
            Content = new ByteArrayContent(PushRequests.Snappy(GatewayFixture.Line("{app=\"a\"}"))),
        };
        request.Content.Headers.ContentType = new("application/x-protobuf");
        if (tenant is not null) request.Headers.Add("X-Scope-OrgID", tenant);
        return await client.SendAsync(request);
    }
}
