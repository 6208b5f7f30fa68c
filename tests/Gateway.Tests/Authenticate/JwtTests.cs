// auth.mode jwt against a running gateway and an issuer that rotates its keys and goes away.
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;
using static LokiGateway.Gateway.Tests.Authenticate.StaticRig;

namespace LokiGateway.Gateway.Tests.Authenticate;

public sealed class JwtTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly KeptLog _log = new();
    private TestIssuer _issuer = null!;
    private GatewayFixture _gateway = null!;

    [Fact]
    public async Task Token_OpensItsTenant_AndNothingElse()
    {
        await StartAsync();
        string token = Token();
        Assert.Equal(204, (await PushAsync(token)).Status);
        Assert.Equal("prod", Assert.Single(_gateway.Loki.Stored()).Tenant);
        RawAnswer other = await PushAsync(token, "dev");
        Assert.Equal((403, "gateway: credential agent-7 does not grant tenant dev\n"), (other.Status, other.Body));
        RawAnswer read = await _gateway.SendAsync("GET", "/loki/api/v1/labels", null, Bearer(token));
        Assert.Equal((403, "gateway: credential agent-7 does not grant read\n"), (read.Status, read.Body));
        Assert.Equal(403, (await PushAsync(Token("\"scope\":\"logs:push\""))).Status);
        Assert.Equal(1, _issuer.Fetches);
    }

    [Fact]
    public async Task Stranger_Is401_AndTheTokenIsNotInTheLog()
    {
        await StartAsync();
        using var forger = System.Security.Cryptography.RSA.Create(2048);
        TestIssuer other = TestIssuer.Offline();
        other.Rsa = forger;
        string forged = other.Sign(TestIssuer.Claims(_time.GetUtcNow())), good = Token();
        RawAnswer answer = await PushAsync(forged);
        Assert.Equal((401, "Bearer realm=\"loki-gateway\""), (answer.Status, answer.Header("WWW-Authenticate")));
        Assert.Equal(204, (await PushAsync(good)).Status);
        Assert.Equal(401, (await _gateway.SendAsync("GET", "/loki/api/v1/labels", null, Basic("a", good))).Status);
        foreach (string part in forged.Split('.').Skip(1).Concat(good.Split('.').Skip(1))) Assert.DoesNotContain(part, _log.Text, StringComparison.Ordinal);
        Assert.Contains("reason=wrong_token", _log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task VerifiedToken_EndsWhenItEnds()
    {
        await StartAsync();
        string token = Token(lives: 60);
        Assert.Equal(204, (await PushAsync(token)).Status);
        _time.Advance(TimeSpan.FromSeconds(89));
        Assert.Equal(204, (await PushAsync(token)).Status);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(401, (await PushAsync(token)).Status);
        Assert.Equal(1, (await _gateway.MetricsAsync()).Sum("loki_gateway_auth_failures_total", ("reason", "token_not_now")));
    }

    [Fact]
    public async Task NewKey_IsFetchedAtOnce_AndTheWithdrawnOneEnds()
    {
        await StartAsync();
        string before = Token();
        Assert.Equal(204, (await PushAsync(before)).Status);
        using var next = System.Security.Cryptography.RSA.Create(2048);
        (_issuer.Rsa, _issuer.KeyId) = (next, "next");
        _time.Advance(JwksSource.AskedAgainAfter);
        Assert.Equal(204, (await PushAsync(Token())).Status);
        Assert.Equal(2, _issuer.Fetches);
        _time.Advance(JwksSource.AskedAgainAfter);
        Assert.Equal(401, (await PushAsync(before)).Status);
    }

    [Fact]
    public async Task InventedKeyIds_DoNotMakeTheGatewayAskAgainAndAgain()
    {
        await StartAsync();
        Assert.Equal(204, (await PushAsync(Token())).Status);
        var statuses = new List<int>();
        for (int i = 0; i < 15; i++) statuses.Add((await PushAsync(_issuer.Sign(TestIssuer.Claims(_time.GetUtcNow()), "RS256", $$"""{"alg":"RS256","kid":"k{{i}}"}"""))).Status);
        Assert.Equal(1, _issuer.Fetches);
        // Nobody knows whose they are, so not 401; and an address cannot go on with it.
        Assert.All(statuses.Take(FailedAttempts.Burst), static status => Assert.Equal(503, status));
        Assert.All(statuses.Skip(FailedAttempts.Burst), static status => Assert.Equal(429, status));
        Assert.Equal(204, (await PushAsync(Token())).Status);
    }

    [Fact]
    public async Task IssuerThatIsAway_Is503WithRetryAfter_UntilItIsBack()
    {
        await StartAsync(status: 500);
        RawAnswer answer = await PushAsync(Token());
        Assert.Equal((503, true), (answer.Status, answer.Header("Retry-After") is not null));
        Assert.Equal(503, (await PushAsync("no.such.token")).Status);
        Assert.Equal(0, (await _gateway.MetricsAsync()).Sum("loki_gateway_jwks_last_refresh_successful"));
        Assert.Equal(0, _gateway.Loki.Requests);
        _issuer.Status = 200;
        _time.Advance(JwksSource.AskedAgainAfter);
        Assert.Equal(204, (await PushAsync(Token())).Status);
        Assert.Equal(1, (await _gateway.MetricsAsync()).Sum("loki_gateway_jwks_last_refresh_successful"));
    }

    [Fact]
    public async Task IssuerThatStartsLater_IsAskedAgainSoon_WithoutAnyRequest()
    {
        await StartAsync(status: 500);
        await Eventually.True(() => _issuer.Fetches == 1, "the fetch at the start");
        _issuer.Status = 200;
        await Eventually.TrueAsync(async () =>
        {
            _time.Advance(JwksSource.AskedAgainAfter);
            return (await _gateway.MetricsAsync()).Sum("loki_gateway_jwks_last_refresh_successful") == 1;
        }, "the keys are there");
    }

    [Fact]
    public async Task IssuerThatGoesAway_IsNotNoticed_ByTokensOfKnownKeys()
    {
        await StartAsync();
        Assert.Equal(204, (await PushAsync(Token())).Status);
        _issuer.Status = 503;
        _time.Advance(TimeSpan.FromMinutes(10));
        await Eventually.TrueAsync(async () => (await _gateway.MetricsAsync()).Sum("loki_gateway_jwks_last_refresh_successful") == 0, "the period's fetch has failed");
        Assert.Equal(204, (await PushAsync(Token())).Status);
        _time.Advance(JwksSource.AskedAgainAfter);
        string unknown = _issuer.Sign(TestIssuer.Claims(_time.GetUtcNow()), "RS256", """{"alg":"RS256","kid":"next"}""");
        Assert.Equal(503, (await PushAsync(unknown)).Status);
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _issuer.DisposeAsync();
    }

    private async Task StartAsync(int status = 200)
    {
        _issuer = await TestIssuer.StartAsync();
        _issuer.Status = status;
        _gateway = await GatewayFixture.StartAsync(time: _time, logs: _log, auth:
            $"{{mode: jwt, jwt: {{issuer: \"{TestIssuer.Name}\", audience: {TestIssuer.Audience}, algorithms: [RS256, ES256], jwks_url: \"{_issuer.JwksUrl}\"}}}}");
    }

    private string Token(string more = "\"tenant\":\"prod\",\"scope\":\"logs:push\"", long lives = 3600) =>
        _issuer.Sign(TestIssuer.Claims(_time.GetUtcNow(), more, lives));

    private Task<RawAnswer> PushAsync(string token, string? tenant = null) => _gateway.SendAsync(
        "POST", "/loki/api/v1/push", PushRequests.Snappy(GatewayFixture.Line("{app=\"a\"}")),
        [("Content-Type", "application/x-protobuf"), Bearer(token), .. tenant is null ? ((string, string)[])[] : [Org(tenant)]]);
}
