// An identity provider: it signs tokens, serves its keys, and can be away.
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway.Tests.Authenticate;

internal sealed class TestIssuer : IAsyncDisposable
{
    public const string Name = "https://issuer.example";
    public const string Audience = "loki-gateway";

    private readonly WebApplication? _app;
    private int _fetches;

    private TestIssuer(WebApplication? app) => _app = app;

    public RSA Rsa { get; set; } = RSA.Create(2048);

    public ECDsa Ec { get; set; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>Answered in place of the keys.</summary>
    public int Status { get; set; } = 200;

    /// <summary>Id of the RSA key; the EC key's is "ec".</summary>
    public string KeyId { get; set; } = "rsa";

    public int Fetches => Volatile.Read(ref _fetches);

    public Uri JwksUrl => new(new Uri(_app!.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()), "/jwks");

    public string Jwks
    {
        get
        {
            RSAParameters rsa = Rsa.ExportParameters(false);
            ECParameters ec = Ec.ExportParameters(false);
            return $$"""
                {"keys":[{"kty":"oct","k":"AAAA","kid":"hmac"},{"kty":"RSA","use":"sig","kid":"{{KeyId}}","n":"{{Encode(rsa.Modulus!)}}","e":"{{Encode(rsa.Exponent!)}}"},
                {"kty":"EC","crv":"P-256","kid":"ec","x":"{{Encode(ec.Q.X!)}}","y":"{{Encode(ec.Q.Y!)}}"}]}
                """;
        }
    }

    /// <summary>One that serves nothing.</summary>
    public static TestIssuer Offline() => new(null);

    public static async Task<TestIssuer> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        var issuer = new TestIssuer(app);
        app.Run(issuer.AnswerAsync);
        await app.StartAsync();
        return issuer;
    }

    /// <summary>Claims that open the door at that moment, with more or other ones as JSON members.</summary>
    public static string Claims(DateTimeOffset now, string more = "\"tenant\":\"prod\",\"scope\":\"logs:push\"", long lives = 3600) =>
        $$"""{"iss":"{{Name}}","aud":"{{Audience}}","sub":"agent-7","exp":{{now.ToUnixTimeSeconds() + lives}},{{more}}}""";

    public string Sign(string claims, string algorithm = "RS256", string? header = null)
    {
        string head = header ?? $$"""{"alg":"{{algorithm}}","typ":"JWT","kid":"{{(algorithm[0] == 'E' ? "ec" : KeyId)}}"}""";
        string signed = $"{Encode(Encoding.UTF8.GetBytes(head))}.{Encode(Encoding.UTF8.GetBytes(claims))}";
        byte[] bytes = Encoding.ASCII.GetBytes(signed);
        HashAlgorithmName hash = algorithm[2..] switch { "256" => HashAlgorithmName.SHA256, "384" => HashAlgorithmName.SHA384, _ => HashAlgorithmName.SHA512 };
        byte[] signature = algorithm[..2] switch
        {
            "RS" => Rsa.SignData(bytes, hash, RSASignaturePadding.Pkcs1),
            "PS" => Rsa.SignData(bytes, hash, RSASignaturePadding.Pss),
            "ES" => Ec.SignData(bytes, hash),
            // What a confused verifier would take: the public key as the secret.
            "HS" => HMACSHA256.HashData(Encoding.ASCII.GetBytes(Rsa.ExportSubjectPublicKeyInfoPem()), bytes),
            _ => [],
        };
        return $"{signed}.{Encode(signature)}";
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
    }

    private static string Encode(byte[] bytes) => Base64Url.EncodeToString(bytes);

    private async Task AnswerAsync(HttpContext http)
    {
        Interlocked.Increment(ref _fetches);
        http.Response.StatusCode = Status;
        await http.Response.WriteAsync(Status == 200 ? Jwks : "");
    }
}
