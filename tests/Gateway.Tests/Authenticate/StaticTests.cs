// auth.mode static against a running gateway: who gets in, with which tenant Loki is asked, and what a stranger learns and costs.
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Gateway.Tests.Query;
using LokiGateway.Testing;
using static LokiGateway.Gateway.Tests.Authenticate.StaticRig;

namespace LokiGateway.Gateway.Tests.Authenticate;

public sealed class StaticTests
{
    [Fact]
    public async Task Token_PushesToItsOnlyTenant_WithAndWithoutTheHeader()
    {
        await using StaticRig rig = await StartAsync();
        Assert.Equal(204, (await rig.PushAsync(Bearer(Token))).Status);
        Assert.Equal(204, (await rig.PushAsync(Bearer(Token), Org("prod"))).Status);
        Assert.Equal(["prod", "prod"], rig.Gateway.Loki.Stored().Select(static entry => entry.Tenant));
    }

    [Fact]
    public async Task TokenThatNamesNoCredential_Works_AndChoosesAmongItsTenants()
    {
        await using StaticRig rig = await StartAsync();
        Assert.Equal(204, (await rig.PushAsync(Bearer(RawToken), Org("b"))).Status);
        Assert.Equal("b", Assert.Single(rig.Gateway.Loki.Stored()).Tenant);
        RawAnswer none = await rig.PushAsync(Bearer(RawToken));
        Assert.Equal((401, "no org id\n"), (none.Status, none.Body));
    }

    [Fact]
    public async Task WithoutCredential_Is401_AndSaysHow_BeforeTheBodyIsRead()
    {
        await using StaticRig rig = await StartAsync();
        using RawConnection connection = await RawConnection.OpenAsync(rig.Gateway.Address);
        await connection.WriteAsync("POST /loki/api/v1/push HTTP/1.1\r\nHost: a\r\nX-Scope-OrgID: prod\r\nContent-Length: 1000000\r\n\r\n");
        RawAnswer answer = await connection.ReadAnswerAsync();
        Assert.Equal(401, answer.Status);
        Assert.Contains("realm=\"loki-gateway\"", answer.Header("WWW-Authenticate"), StringComparison.Ordinal);
        Assert.Equal(1, await rig.FailuresAsync("no_credential"));
    }

    public static TheoryData<string, string> Strangers => new()
    {
        { $"Bearer {Token}x", "wrong_token" },
        { "Bearer shippers.guess", "wrong_token" },
        { "Bearer guess", "wrong_token" },
        // A password is no token, a token no password.
        { $"Bearer {Password}", "wrong_token" },
        { Basic("shippers", Token).Value, "unknown_user" },
        { Basic("grafana", "wrong").Value, "wrong_password" },
        { Basic("grafana", "").Value, "wrong_password" },
        { Basic("Grafana", Password).Value, "unknown_user" },
        { Basic("nobody", Password).Value, "unknown_user" },
        { "Basic not-base64!", "malformed" },
        { "Basic bm9jb2xvbg==", "malformed" },
        { "Digest username=grafana", "malformed" },
        { "Bearer ", "malformed" },
        { Token, "malformed" },
    };

    [Theory]
    [MemberData(nameof(Strangers))]
    public async Task Stranger_Is401_WithOneTextForAll_AndNeverInTheLog(string authorization, string reason)
    {
        await using Frontend frontend = await Frontend.StartAsync();
        await using StaticRig rig = await StartAsync(frontend.Address);
        foreach (Func<Task<RawAnswer>> request in (Func<Task<RawAnswer>>[])
            [() => rig.PushAsync(("Authorization", authorization), Org("prod")), () => rig.QueryAsync(("Authorization", authorization), Org("prod"))])
        {
            RawAnswer answer = await request();
            Assert.Equal((401, "gateway: the credential is not valid\n"), (answer.Status, answer.Body));
            Assert.NotNull(answer.Header("WWW-Authenticate"));
        }

        Assert.Equal((0L, 0), (rig.Gateway.Loki.Requests, frontend.Requests));
        Assert.Equal(2, await rig.FailuresAsync(reason));
        Assert.Contains($"reason={reason}", rig.Log.Text, StringComparison.Ordinal);
        Assert.Contains("address=127.0.0.1", rig.Log.Text, StringComparison.Ordinal);
        foreach (string secret in (string[])[authorization.Split(' ')[^1], Token, RawToken, Password, "guess", "nobody"])
        {
            if (secret.Length > 0) Assert.DoesNotContain(secret, rig.Log.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task TwoAuthorizationHeaders_AreNoCredential_EvenWhenOneIsRight()
    {
        await using StaticRig rig = await StartAsync();
        Assert.Equal(401, (await rig.PushAsync(Bearer(Token), Bearer(Token))).Status);
        Assert.Equal(401, (await rig.PushAsync(Bearer("guess"), Bearer(Token))).Status);
    }

    [Fact]
    public async Task TenantOfAnotherToken_Is403_AndNothingReachesLoki()
    {
        await using StaticRig rig = await StartAsync();
        RawAnswer answer = await rig.PushAsync(Bearer(Token), Org("a"));
        Assert.Equal((403, "gateway: credential shippers does not grant tenant a\n"), (answer.Status, answer.Body));
        Assert.Equal(403, (await rig.PushAsync(Bearer(RawToken), Org("prod"))).Status);
        Assert.Equal(0, rig.Gateway.Loki.Requests);
        Assert.Equal(2, await rig.FailuresAsync("tenant_not_granted"));
    }

    [Fact]
    public async Task Report_NeedsThePushOfItsTenant()
    {
        await using StaticRig rig = await StartAsync();
        foreach ((int status, (string, string)[] headers) in ((int, (string, string)[])[])
        [
            (401, [Org("prod")]), (401, [Bearer("guess"), Org("prod")]), (403, [Bearer(Token), Org("a")]), (403, [Basic("grafana", Password), Org("prod")]), (400, [Bearer(Token)]),
        ])
        {
            // 400: let in, and what it says is no report.
            Assert.Equal(status, (await rig.Gateway.SendAsync("POST", "/shipper/v1/report", "{"u8.ToArray(), headers)).Status);
        }
    }

    [Fact]
    public async Task ActionThatIsNotGranted_Is403()
    {
        await using Frontend frontend = await Frontend.StartAsync();
        await using StaticRig rig = await StartAsync(frontend.Address);
        RawAnswer read = await rig.QueryAsync(Bearer(Token));
        Assert.Equal((403, "gateway: credential shippers does not grant read\n"), (read.Status, read.Body));
        RawAnswer push = await rig.PushAsync(Basic("grafana", Password), Org("prod"));
        Assert.Equal((403, "gateway: credential graf does not grant push\n"), (push.Status, push.Body));
        Assert.Equal((0L, 0), (rig.Gateway.Loki.Requests, frontend.Requests));
        Assert.Equal(2, await rig.FailuresAsync("action_not_granted"));
    }

    [Theory]
    [InlineData("ops", "ops")]
    [InlineData("prod|ops|prod", "ops|prod")]
    [InlineData("dev|ops|prod", "dev|ops|prod")]
    [InlineData("ops|a", null)]
    [InlineData("a|ops", null)]
    [InlineData("a", null)]
    public async Task Read_OfSeveralTenants_OnlyWhenEachIsGranted(string asked, string? seen)
    {
        await using Frontend frontend = await Frontend.StartAsync();
        await using StaticRig rig = await StartAsync(frontend.Address);
        RawAnswer answer = await rig.QueryAsync(Basic("grafana", Password), Org(asked));
        Assert.Equal(seen is null ? 403 : 200, answer.Status);
        Assert.Equal(seen is null ? 0 : 1, frontend.Requests);
        if (seen is not null) Assert.Contains($"X-Scope-OrgID: {seen}", answer.Body.Split('\n'));
        Assert.DoesNotContain("Authorization", answer.Body, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Every way to send a second tenant header past the gateway. The first header is one that the credential grants.</summary>
    [Theory]
    [InlineData("X-Scope-OrgID")]
    [InlineData("x-scope-orgid")]
    [InlineData("X-SCOPE-ORGID")]
    [InlineData("x-ScOpE-oRgId")]
    public async Task SecondTenantHeader_InAnyCase_IsRefused_AndASingleOneIsReplaced(string name)
    {
        await using Frontend frontend = await Frontend.StartAsync();
        await using StaticRig rig = await StartAsync(frontend.Address);
        RawAnswer twice = await rig.PushAsync(Bearer(RawToken), Org("a"), Org("prod", name));
        Assert.Equal((400, "multiple org IDs present\n"), (twice.Status, twice.Body));
        Assert.Equal(400, (await rig.PushAsync(Bearer(RawToken), Org("prod", name), Org("a"))).Status);
        Assert.Equal(400, (await rig.QueryAsync(Basic("grafana", Password), Org("ops"), Org("a", name))).Status);
        Assert.Equal((0L, 0), (rig.Gateway.Loki.Requests, frontend.Requests));

        Assert.Equal(204, (await rig.PushAsync(Bearer(RawToken), Org("b", name))).Status);
        Assert.Equal("b", Assert.Single(rig.Gateway.Loki.Stored()).Tenant);
        RawAnswer read = await rig.QueryAsync(Basic("grafana", Password), Org("dev", name), Org("dev"));
        string[] seen = [.. read.Body.Split('\n').Where(static line => line.StartsWith("X-Scope-OrgID", StringComparison.OrdinalIgnoreCase))];
        Assert.Equal(["X-Scope-OrgID: dev"], seen);
    }

    [Fact]
    public async Task TenantInAList_OrHopByHop_DoesNotGetThrough()
    {
        await using Frontend frontend = await Frontend.StartAsync();
        await using StaticRig rig = await StartAsync(frontend.Address);
        // A list in one header is no tenant id; one named in Connection must not be taken out again behind the gateway.
        Assert.Equal(400, (await rig.QueryAsync(Basic("grafana", Password), Org("ops,a"))).Status);
        RawAnswer read = await rig.QueryAsync(Basic("grafana", Password), Org("ops"), ("Connection", "X-Scope-OrgID"), ("Proxy-Authorization", Bearer(Token).Value));
        Assert.Contains("X-Scope-OrgID: ops", read.Body.Split('\n'));
        Assert.DoesNotContain("Connection:", read.Body, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Token, read.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Guessing_IsStoppedPerAddress_WhileAVerifiedCredentialGoesOn()
    {
        await using StaticRig rig = await StartAsync();
        Assert.Equal(204, (await rig.PushAsync(Bearer(Token))).Status);
        for (int guess = 0; guess < FailedAttempts.Burst; guess++) Assert.Equal(401, (await rig.PushAsync(Bearer($"shippers.{guess}"))).Status);
        RawAnswer stopped = await rig.PushAsync(Bearer("shippers.one-more"));
        Assert.Equal((429, "6"), (stopped.Status, stopped.Header("Retry-After")));
        // Not even the right one is looked at, or waiting would tell nothing to a guesser.
        Assert.Equal(429, (await rig.PushAsync(Bearer(RawToken), Org("a"))).Status);
        Assert.Equal(204, (await rig.PushAsync(Bearer(Token))).Status);
        Assert.Equal(2, await rig.FailuresAsync("too_many_attempts"));
        // Twelve failures of one address: a line for each of the two kinds.
        Assert.Equal(2, rig.Log.Lines.Count(static line => line.Contains("request not let in", StringComparison.Ordinal)));

        rig.Time.Advance(FailedAttempts.OneMoreEvery);
        Assert.Equal(204, (await rig.PushAsync(Bearer(RawToken), Org("a"))).Status);
        rig.Time.Advance(FailedAttempts.ToldEvery);
        Assert.Equal(401, (await rig.PushAsync(Bearer("shippers.again"))).Status);
        Assert.Contains("heldBackBefore=10", rig.Log.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManyRequests_WithOneNewToken_CostOneAttempt()
    {
        await using StaticRig rig = await StartAsync();
        RawAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => rig.PushAsync(Bearer(Token))));
        Assert.All(answers, static answer => Assert.Equal(204, answer.Status));
    }

    [Fact]
    public async Task Reload_TakesAndRevokes_WhileRunning()
    {
        await using StaticRig rig = await StartAsync();
        Assert.Equal(204, (await rig.PushAsync(Bearer(Token))).Status);
        Assert.Equal(401, (await rig.PushAsync(Bearer("shippers.second"))).Status);
        rig.Change($"credentials:\n  - {{id: shippers, token_hash: \"{Hash("shippers.second", namesCredential: true)}\", tenants: [dev], allow: push}}\n");
        Assert.Equal(401, (await rig.PushAsync(Bearer(Token))).Status);
        Assert.Equal(204, (await rig.PushAsync(Bearer("shippers.second"))).Status);
        Assert.Equal(["prod", "dev"], rig.Gateway.Loki.Stored().Select(static entry => entry.Tenant));
        Assert.True(await rig.IsReloadedAsync());
    }

    [Fact]
    public async Task TenantTakenFromACredential_EndsAtTheReload_ThoughItWasVerified()
    {
        await using StaticRig rig = await StartAsync();
        Assert.Equal(204, (await rig.PushAsync(Bearer(RawToken), Org("b"))).Status);
        rig.Change($"credentials:\n  - {{id: old, token_hash: \"{Hash(RawToken)}\", tenants: [a], allow: [push]}}\n");
        Assert.Equal(403, (await rig.PushAsync(Bearer(RawToken), Org("b"))).Status);
    }

    [Fact]
    public async Task BrokenFile_KeepsTheOldCredentials_NamesTheLine_AndShows()
    {
        await using StaticRig rig = await StartAsync();
        rig.Change("credentials:\n  - {id: shippers, token_hash: \"my plain secret\", tenants: [prod], allow: [push]}\n");
        Assert.False(await rig.IsReloadedAsync());
        Assert.Equal(204, (await rig.PushAsync(Bearer(Token))).Status);
        Assert.Contains("credentials.yaml:2:", rig.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("my plain secret", rig.Log.Text, StringComparison.Ordinal);

        // Taken back.
        rig.Change(Standard);
        Assert.True(await rig.IsReloadedAsync());

        File.Delete(rig.Path);
        for (int look = 0; look < 2; look++) rig.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(await rig.IsReloadedAsync());
        Assert.Equal(204, (await rig.PushAsync(Bearer(Token))).Status);
    }

    [Fact]
    public async Task FileThatIsBeingWritten_IsNotTakenAtTheFirstLook()
    {
        await using StaticRig rig = await StartAsync();
        await File.WriteAllTextAsync(rig.Path, "credentials: []\n");
        rig.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(204, (await rig.PushAsync(Bearer(Token))).Status);
        await File.WriteAllTextAsync(rig.Path, Standard);
        for (int look = 0; look < 3; look++) rig.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(204, (await rig.PushAsync(Bearer(Token))).Status);
    }

    [Fact]
    public async Task Ready_NeedsNoCredential_AndUnknownRoutesHaveNone()
    {
        await using StaticRig rig = await StartAsync();
        Assert.Equal(200, (await rig.Gateway.SendAsync("GET", "/ready", null)).Status);
        Assert.Equal(404, (await rig.Gateway.SendAsync("GET", "/config", null, Bearer(Token))).Status);
    }
}
