// What a Loki under load or behind a proxy answers, over a real socket: asked again where that helps, and told in words where it does not.
using System.Net;
using System.Text;
using LokiGateway.Operations.Loki;
using LokiGateway.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Operations.Tests.Loki;

public sealed class LokiClientTests : IAsyncLifetime
{
    private readonly Queue<(int Status, string Body, string? RetryAfter)> _answers = new();
    private readonly List<(string Path, string? Tenant, string? Authorization, string? CacheControl)> _requests = [];
    private WebApplication _server = null!;

    private Uri Address => new(_server.Urls.First() + "/prefix/");

    public async ValueTask InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _server = builder.Build();
        _server.Run(async context =>
        {
            (int status, string body, string? retryAfter) answer;
            lock (_answers)
            {
                _requests.Add((context.Request.Method + " " + context.Request.Path, context.Request.Headers["X-Scope-OrgID"], context.Request.Headers.Authorization, context.Request.Headers.CacheControl));
                answer = _answers.Count > 1 ? _answers.Dequeue() : _answers.Peek();
            }
            context.Response.StatusCode = answer.status;
            if (answer.retryAfter is not null) context.Response.Headers.RetryAfter = answer.retryAfter;
            await context.Response.WriteAsync(answer.body);
        });
        await _server.StartAsync();
    }

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private void Answer(int status, string body = "", string? retryAfter = null) => _answers.Enqueue((status, body, retryAfter));

    private async Task<List<string>> AskAsync(LokiSettings? settings = null, string? query = null)
    {
        using var client = new LokiClient((settings ?? new LokiSettings { Address = Address }) with { RetriesMax = 3 }, TimeProvider.System);
        return await client.AskAsync("ops", "loki/api/v1/labels", query is null ? [] : [new("query", query)], LokiAnswers.ReadStrings, CancellationToken.None);
    }

    [Fact]
    public async Task BusyLoki_IsAskedAgain()
    {
        Answer(503);
        Answer(429, "too many outstanding", "0");
        Answer(200, """{"status":"success","data":["a","b"]}""");

        Assert.Equal(["a", "b"], await AskAsync());
        Assert.Equal(3, _requests.Count);
        Assert.All(_requests, static one => Assert.Equal(("GET /prefix/loki/api/v1/labels", "ops", "no-cache"), (one.Path, one.Tenant, one.CacheControl)));
    }

    [Theory]
    [InlineData(500, "boom", nameof(LokiFault.Unavailable), 4)]
    [InlineData(401, "who are you", nameof(LokiFault.Denied), 1)]
    [InlineData(403, "not you", nameof(LokiFault.Denied), 1)]
    [InlineData(400, "maximum of series (500) reached for a single query", nameof(LokiFault.TooManySeries), 1)]
    [InlineData(400, "maximum number of series (500) reached for a single query; consider", nameof(LokiFault.TooManySeries), 1)]
    [InlineData(400, "the query would read too many bytes (query: 3GB, limit: 1GB)", nameof(LokiFault.TooLarge), 1)]
    [InlineData(400, "the query time range exceeds the limit (query length: 800h, limit: 721h)", nameof(LokiFault.TooLarge), 1)]
    [InlineData(504, "context deadline exceeded", nameof(LokiFault.TooLarge), 1)]
    [InlineData(404, "nothing here", nameof(LokiFault.Refused), 1)]
    [InlineData(200, "<html>", nameof(LokiFault.Refused), 1)]
    [InlineData(200, """{"data":[]}""", nameof(LokiFault.Refused), 1)]
    public async Task AnswerThatIsNone_IsBlamedOnWhoCanMendIt(int status, string body, string expected, int requests)
    {
        Answer(status, body);

        LokiException fault = await Assert.ThrowsAsync<LokiException>(() => AskAsync());

        Assert.Equal((expected, requests), (fault.Fault.ToString(), _requests.Count));
        Assert.Contains(Address.ToString(), fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CredentialsComeFromFiles_AndAreReadAgain()
    {
        using var temp = new TempDirectory("loki");
        string token = temp.Write("token", "first\n");
        Answer(200, """{"status":"success"}""");
        var settings = new LokiSettings { Address = Address, BearerTokenFile = token };
        using var client = new LokiClient(settings, TimeProvider.System);
        await client.AskAsync(null, "x", [], LokiAnswers.ReadStrings, CancellationToken.None);
        await File.WriteAllTextAsync(token, "second");
        await client.AskAsync(null, "x", [], LokiAnswers.ReadStrings, CancellationToken.None);
        await AskAsync(new LokiSettings { Address = Address, Username = "u", PasswordFile = temp.Write("password", "p:w") });

        Assert.Equal([("Bearer first", null), ("Bearer second", null), ("Basic " + Convert.ToBase64String("u:p:w"u8), "ops")],
            _requests.Select(static one => (one.Authorization, one.Tenant)));
    }

    [Fact]
    public async Task LongQuery_GoesAsAForm()
    {
        Answer(200, """{"status":"success"}""");
        await AskAsync(query: new string('x', 5000));
        Assert.StartsWith("POST ", Assert.Single(_requests).Path, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("a\nb", "has more than one line")]
    public async Task TokenThatIsNone_IsNeverSent(string text, string expected)
    {
        using var temp = new TempDirectory("loki");
        string token = temp.Write("token", text);
        LokiException fault = await Assert.ThrowsAsync<LokiException>(() => AskAsync(new LokiSettings { Address = Address, BearerTokenFile = token }));
        Assert.Equal(LokiFault.Setup, fault.Fault);
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.Empty(_requests);
    }

    [Fact]
    public async Task LokiBehindAPrivateAuthority_IsTrustedByItsFileOnly()
    {
        using var temp = new TempDirectory("loki");
        string ca = temp.Write("ca.pem", "no certificate");
        LokiException fault = await Assert.ThrowsAsync<LokiException>(() => AskAsync(new LokiSettings { Address = Address, CaFile = ca }));
        Assert.Equal(LokiFault.Setup, fault.Fault);
        Assert.Contains("--ca-file", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LinesAndPoints_AreReadWithEveryEscape()
    {
        byte[] body = Encoding.UTF8.GetBytes("""
            {"status":"success","data":{"stats":{"x":[1,{"y":2}]},"resultType":"streams","result":[
              {"stream":{"a":"b\"c"},"values":[["1700000000000000001","{\"v\":1,\"ä\":\"\\u0041\"}"],["2","x",{"structuredMetadata":{}}]]},
              {"stream":{},"values":[]}]}}
            """);
        var seen = new List<(string, long, string)>();
        int count = LokiAnswers.ReadStreams(body, (labels, nanos, line) => seen.Add((labels.GetValueOrDefault("a", ""), nanos, Encoding.UTF8.GetString(line))));
        Assert.Equal([("b\"c", 1700000000000000001, """{"v":1,"ä":"\u0041"}"""), ("b\"c", 2, "x")], seen);
        Assert.Equal(2, count);

        var points = new List<(long, double)>();
        LokiAnswers.ReadMatrix("""{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"x":"y"},"values":[[1700000060,"3"],[1700000120.5,"1e3"]]}]}}"""u8.ToArray(),
            (_, at, value) => points.Add((at, value)));
        Assert.Equal([(1700000060000, 3d), (1700000120500, 1000d)], points);
    }

    [Fact]
    public void EveryTruncation_IsRefusedAndNothingElse()
    {
        byte[] body = """{"status":"success","data":{"resultType":"streams","result":[{"stream":{"a":"b"},"values":[["1","x"]]}]}}"""u8.ToArray();
        for (int length = 0; length < body.Length; length++)
        {
            Exception? failure = Record.Exception(() => LokiAnswers.ReadStreams(body.AsMemory(0, length), static (_, _, _) => { }));
            Assert.True(failure is System.Text.Json.JsonException or FormatException or InvalidOperationException, $"{length}: {failure}");
        }
    }
}
