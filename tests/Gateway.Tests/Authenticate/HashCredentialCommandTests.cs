// The command makes what the gateway reads, and shows a secret to nobody who has not brought it.
using System.CommandLine;
using System.Text;
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Gateway.Tests.Authenticate;

public sealed class HashCredentialCommandTests
{
    private const string Fast = "--iterations 10000";

    [Theory]
    [InlineData("hunter22\n", "hunter22")]
    [InlineData("hunter22", "hunter22")]
    [InlineData("hunter22\r\n", "hunter22")]
    [InlineData("a.hunter22\n", "a.hunter22")]
    public void TokenFromStdin_BecomesAnEntry_ThatKnowsIt(string stdin, string token)
    {
        (int code, string output, string errors) = Run(stdin, $"--id a --tenant prod --tenant dev --allow push --allow read {Fast}");
        Assert.Equal((0, ""), (code, errors));
        Assert.DoesNotContain(token, output, StringComparison.Ordinal);
        var set = new CredentialSet(Read(output));
        Proof proof = set.Check(Presented($"Bearer {token}"));
        Assert.Equal("a", proof.Grant?.Credential);
        Assert.True(proof.Grant!.MayPush && proof.Grant.MayRead);
        Assert.Null(set.Check(Presented($"Bearer {token}\n")).Grant);
    }

    [Fact]
    public void Password_KeepsItsSpaces()
    {
        (int code, string output, _) = Run(" pass word \n", $"--id g --username grafana --tenant prod --allow read {Fast}");
        Assert.Equal(0, code);
        var set = new CredentialSet(Read(output));
        Assert.NotNull(set.Check(Presented(StaticRig.Basic("grafana", " pass word ").Value)).Grant);
        Assert.Null(set.Check(Presented(StaticRig.Basic("grafana", "pass word").Value)).Grant);
    }

    [Fact]
    public void GeneratedToken_NamesItsCredential_AndIsShownOnStderrOnly()
    {
        (int code, string output, string errors) = Run("", $"--generate --id prod-shippers --tenant prod {Fast}");
        Assert.Equal(0, code);
        string token = errors.TrimEnd().Split(' ')[^1];
        Assert.StartsWith("prod-shippers.", token, StringComparison.Ordinal);
        Assert.DoesNotContain(token, output, StringComparison.Ordinal);
        Credential made = Assert.Single(Read(output));
        Assert.True(made.Token!.NamesCredential);
        Assert.True(made.Grant is { MayPush: true, MayRead: false });
        Assert.NotNull(new CredentialSet([made]).Check(Presented($"Bearer {token}")).Grant);
        Assert.NotEqual(token, Run("", $"--generate --id prod-shippers --tenant prod {Fast}").Errors.TrimEnd().Split(' ')[^1]);
    }

    [Theory]
    [InlineData("", "--id a --tenant t", "no secret")]
    [InlineData("\n", "--id a --tenant t", "no secret")]
    [InlineData("a\nb\n", "--id a --tenant t", "several lines")]
    [InlineData("a b", "--id a --tenant t", "without spaces")]
    [InlineData("secret", "--id a/b --tenant t", "--id")]
    [InlineData("secret", "--id a --tenant a|b", "--tenant")]
    [InlineData("secret", "--id a --tenant t --allow write", "--allow")]
    [InlineData("secret", "--id a --tenant t --iterations 5", "--iterations")]
    [InlineData("secret", "--id a --tenant t --username a:b", "--username")]
    public void Slip_IsNamed_AndNothingIsPrinted(string stdin, string arguments, string expected)
    {
        (int code, string output, string errors) = Run(stdin, arguments);
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("secret\n", errors, StringComparison.Ordinal);
    }

    private static (int Code, string Output, string Errors) Run(string stdin, string arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var root = new RootCommand { HashCredentialCommand.Create(() => new MemoryStream(Encoding.UTF8.GetBytes(stdin))) };
        int code = root.Parse(["hash-credential", .. arguments.Split(' ')]).Invoke(new InvocationConfiguration { Output = output, Error = errors });
        return (code, output.ToString(), errors.ToString());
    }

    private static IReadOnlyList<Credential> Read(string entry)
    {
        ConfigurationFile file = ConfigurationFile.Parse("credentials:\n" + entry, "credentials.yaml");
        IReadOnlyList<Credential> credentials = CredentialsFile.Bind(file.Root);
        file.Finish();
        return credentials;
    }

    private static PresentedCredential Presented(string authorization)
    {
        var headers = new Microsoft.AspNetCore.Http.HeaderDictionary { ["Authorization"] = authorization };
        PresentedCredential.TryRead(headers, out PresentedCredential presented);
        return presented;
    }
}
