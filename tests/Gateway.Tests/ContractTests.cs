// All recorded answers of Loki 3.2.1 through the gateway. What Loki's own validation decides is scripted as recorded, and must come back verbatim; the rest
// the gateway decides, and Loki must not even be asked. Whoever proves who it is, by whatever means, gets the same answers.
using LokiGateway.Gateway.Admit;
using LokiGateway.Gateway.Tests.Authenticate;
using LokiGateway.Protocol.Tenancy;
using LokiGateway.Testing;
using LokiGateway.Testing.Contract;

namespace LokiGateway.Gateway.Tests;

public sealed class ContractTests
{
    /// <summary>Label and line validation, age and metadata: Loki's, whose word is passed through.</summary>
    internal static readonly string[] DecidedByLoki =
    [
        "legacy/json v0", "labels/duplicate name", "labels/16 names", "labels/name of 1025", "labels/value of 2049", "entry/too old", "entry/too new",
        "entry/262145 bytes", "entry/one long of two", "entry/129 metadata pairs", "entry/metadata over 64 KB",
        "limit/line size",
    ];

    /// <summary>What the recording sends to, and one tenant more, so that a case without a tenant has none to fall back on.</summary>
    private static string[] Tenants { get; } =
    [
        .. ContractCase.All.SelectMany(static recorded => recorded.Headers)
            .Where(static header => header.Name.Equals("X-Scope-OrgID", StringComparison.OrdinalIgnoreCase) && TenantId.TryParse(header.Value, out _) == TenantIdError.None)
            .Select(static header => header.Value.Split('|')[0]).Distinct(),
        "nobody",
    ];

    private static string QuotedTenants => string.Join(", ", Tenants.Select(static tenant => $"\"{tenant}\""));

    [Fact]
    public async Task Trust_EveryCaseIsAnsweredAsRecorded() => await RunAsync("{mode: trust}");

    [Fact]
    public async Task Static_EveryCaseIsAnsweredAsRecorded()
    {
        using var directory = new TempDirectory("contract");
        string file = directory.Write("credentials.yaml",
            $"credentials:\n  - {{id: recorder, token_hash: \"{StaticRig.Hash("secret")}\", tenants: [{QuotedTenants}], allow: [push, read]}}\n");
        await RunAsync($"{{mode: static, credentials_file: \"{file}\"}}", credential: StaticRig.Bearer("secret"));
    }

    [Fact]
    public async Task Jwt_EveryCaseIsAnsweredAsRecorded()
    {
        await using TestIssuer issuer = await TestIssuer.StartAsync();
        string claims = TestIssuer.Claims(DateTimeOffset.UtcNow, $"\"tenant\":[{QuotedTenants}],\"scope\":\"logs:push logs:read\"");
        await RunAsync($"{{mode: jwt, jwt: {{issuer: \"{TestIssuer.Name}\", audience: {TestIssuer.Audience}, algorithms: [RS256], jwks_url: \"{issuer.JwksUrl}\"}}}}",
            credential: StaticRig.Bearer(issuer.Sign(claims)));
    }

    [Fact]
    public async Task Mtls_EveryCaseIsAnsweredAsRecorded()
    {
        using var directory = new TempDirectory("contract");
        var authority = new TestAuthority();
        TestCertificate server = authority.Issue("localhost", ["localhost"]);
        string file = directory.Write("credentials.yaml", $"credentials:\n  - {{id: recorder, subject: recorder, tenants: [{QuotedTenants}], allow: [push, read]}}\n");
        string tls = $", tls: {{cert_file: \"{directory.Write("tls.crt", server.Pem)}\", key_file: \"{directory.Write("tls.key", server.KeyPem)}\", " +
            $"client_ca_file: \"{directory.Write("ca.pem", authority.Pem)}\"}}";
        await RunAsync($"{{mode: mtls, credentials_file: \"{file}\"}}", tls, client: new TlsClient(authority.Issue("recorder"), authority));
    }

    private static async Task RunAsync(string auth, string server = "", (string Name, string Value)? credential = null, TlsClient? client = null)
    {
        using var directory = new TempDirectory("gateway");
        string overrides = directory.Write("overrides.yaml", ContractCase.Overrides);
        FaultSink loki = FaultSink.Start(static _ => SinkAnswer.Refuse(204));
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            change: options => options with { RuntimeConfigFile = overrides, OtlpResponse = OtlpResponse.Loki }, loki: loki, auth: auth, server: server);
        await using TlsTunnel? tunnel = client is null ? null : new TlsTunnel(gateway.Address, client.Certificate, client.Servers);
        Assert.Subset(ContractCase.All.Select(static recorded => recorded.Name).ToHashSet(), DecidedByLoki.ToHashSet());
        var wrong = new List<string>();
        foreach (ContractCase recorded in ContractCase.All)
        {
            bool isLokis = DecidedByLoki.Contains(recorded.Name);
            if (isLokis) loki.Script(SinkAnswer.Refuse(recorded.Status, recorded.Body));
            long asked = loki.Requests;
            RawAnswer answer = await recorded.SendAsync(tunnel?.Address ?? gateway.Address, credential);
            if (recorded.Mismatch(answer) is { } mismatch) wrong.Add(mismatch);
            bool mayAsk = isLokis || recorded.Status == 204 || recorded.Times > 1 || answer.Header(RefusedStreams.Header) is not null;
            if (loki.Requests != asked && !mayAsk) wrong.Add($"{recorded.Name}: Loki was asked");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(0, loki.ScriptLeft);
    }

    private sealed record TlsClient(TestCertificate Certificate, TestAuthority Servers);
}
