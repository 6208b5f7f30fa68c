// The credentials file is read strictly: every slip is named with its line, and none shows what stands there.
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Gateway.Tests.Authenticate;

public sealed class CredentialsFileTests
{
    private static readonly string Hash = StaticRig.Hash("secret");

    public static TheoryData<string, string> Slips => new()
    {
        { "{token_hash: \"HASH\", tenants: [a], allow: [push]}", "id: is required" },
        { "{id: \"a b\", token_hash: \"HASH\", tenants: [a], allow: [push]}", "id: may have" },
        { "{id: a, tenants: [a], allow: [push]}", "needs either token_hash" },
        { "{id: a, token_hash: \"HASH\", username: u, password_hash: \"HASH\", tenants: [a], allow: [push]}", "needs either token_hash" },
        { "{id: a, username: u, tenants: [a], allow: [push]}", "needs both" },
        { "{id: a, username: \"u:v\", password_hash: \"HASH\", tenants: [a], allow: [push]}", "colon" },
        { "{id: a, token: hunter22, tenants: [a], allow: [push]}", "unknown key" },
        { "{id: a, token_hash: hunter22, tenants: [a], allow: [push]}", "token_hash: is not a hash" },
        { "{id: a, username: u, password_hash: hunter22, tenants: [a], allow: [push]}", "password_hash: is not a hash" },
        { "{id: a, token_hash: \"HASH\", allow: [push]}", "tenants: names no tenant" },
        { "{id: a, token_hash: \"HASH\", tenants: [\"a|b\"], allow: [push]}", "\"a|b\" is not a tenant id" },
        { "{id: a, token_hash: \"HASH\", tenants: [\"*\"], tenant: [a], allow: [push]}", "tenant: unknown key" },
        { "{id: a, token_hash: \"HASH\", tenants: [a]}", "allow: allows nothing" },
        { "{id: a, token_hash: \"HASH\", tenants: [a], allow: [push, write]}", "found \"write\"" },
        { "{id: a, token_hash: \"HASH\", tenants: [a], allow: [push]}\n  - {id: a, token_hash: \"HASH\", tenants: [a], allow: [push]}", ":3:" },
        { "{id: a, username: u, password_hash: \"HASH\", tenants: [a], allow: [push]}\n  - {id: b, username: u, password_hash: \"HASH\", tenants: [a], allow: [push]}", "username: is there twice" },
    };

    [Theory]
    [MemberData(nameof(Slips))]
    public void Slip_IsNamed_WithItsLine_AndWithoutItsSecret(string entry, string expected)
    {
        ConfigurationException broken = Assert.Throws<ConfigurationException>(() => Read("credentials:\n  - " + entry.Replace("HASH", Hash, StringComparison.Ordinal)));
        Assert.Contains(expected, broken.Message, StringComparison.Ordinal);
        Assert.Matches(@"credentials\.yaml:[23]:\d+: ", broken.Message);
        Assert.DoesNotContain("hunter22", broken.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Hash, broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TooManyTokensThatNameNoCredential_AreRefused()
    {
        string Entry(int number) => $"  - {{id: t{number}, token_hash: \"{Hash}\", tenants: [a], allow: [push]}}\n";
        Assert.Equal(16, Read("credentials:\n" + string.Concat(Enumerable.Range(0, 16).Select(Entry))).Count);
        ConfigurationException broken = Assert.Throws<ConfigurationException>(() => Read("credentials:\n" + string.Concat(Enumerable.Range(0, 17).Select(Entry))));
        Assert.Contains("credentials.yaml:18:", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ExampleOfTheDesign_IsRead()
    {
        IReadOnlyList<Credential> read = Read(StaticRig.Standard);
        Assert.Equal(["shippers", "old", "graf"], read.Select(static one => one.Id));
        Assert.Equal([(true, false), (true, true), (false, true)], read.Select(static one => (one.Grant.MayPush, one.Grant.MayRead)));
    }

    private static IReadOnlyList<Credential> Read(string yaml)
    {
        ConfigurationFile file = ConfigurationFile.Parse(yaml, "credentials.yaml");
        IReadOnlyList<Credential> credentials = CredentialsFile.Bind(file.Root);
        file.Finish();
        return credentials;
    }
}
