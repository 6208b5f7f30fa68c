// A bill in S3, by a real server of its protocol, with the credentials that a machine, a person and a pod have.
using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using LokiGateway.Operations.ObjectStorage;
using LokiGateway.Testing;

namespace LokiGateway.Operations.Tests.Cost;

public sealed class S3SourceTests : IAsyncLifetime
{
    private readonly CostScene _scene = new();
    private MotoServer _moto = null!;

    public async ValueTask InitializeAsync()
    {
        if (MotoServer.Missing is { } reason) Assert.Skip(reason);
        _moto = await MotoServer.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_moto is not null) await _moto.DisposeAsync();
        _scene.Dispose();
    }

    [Fact]
    public async Task BillInABucket_IsReadByManifest_WithStaticKeysAProfileAndTheRoleOfAPod()
    {
        using var s3 = new AmazonS3Client(new BasicAWSCredentials("AKIATEST", "secret"), new AmazonS3Config
        {
            ServiceURL = _moto.Address.ToString(),
            ForcePathStyle = true,
            AuthenticationRegion = MotoServer.Region,
        });
        await s3.PutBucketAsync("acme-billing");
        const string Data = "acme/daily/data/BILLING_PERIOD=2026-11/";
        await PutAsync(s3, Data + "daily-00001.csv.gz", FocusFile.Gzip(FocusFile.Write(Enumerable.Range(1, 22).Select(static day => FocusRow.On(day, "1.25")))));
        await PutAsync(s3, Data + "daily-00002.csv.gz", FocusFile.Gzip(FocusFile.Write(FocusRow.On(22, "0.75", "shipper", "prod"))));
        await PutAsync(s3, Data + "left-over.csv.gz", FocusFile.Gzip(FocusFile.Write(FocusRow.On(22, "99.00"))));
        await PutAsync(s3, "acme/daily/metadata/BILLING_PERIOD=2026-11/daily-Manifest.json",
            System.Text.Encoding.UTF8.GetBytes($"{{\"dataFiles\": [\"s3://acme-billing/{Data}daily-00001.csv.gz\", \"s3://acme-billing/{Data}daily-00002.csv.gz\"]}}"));
        string[] arguments = ["--source", "s3://acme-billing/acme/daily", "--s3.endpoint", _moto.Address.ToString(), "--from", "2026-11-01"];

        _scene.Environment["AWS_ACCESS_KEY_ID"] = "AKIATEST";
        _scene.Environment["AWS_SECRET_ACCESS_KEY"] = "secret";
        Assert.Equal("28.25", await TotalAsync(arguments));

        _scene.Environment.Remove("AWS_ACCESS_KEY_ID");
        _scene.Environment["AWS_SHARED_CREDENTIALS_FILE"] = _scene.Write("credentials", "[billing]\naws_access_key_id = AKIATEST\naws_secret_access_key = secret\n");
        Assert.Equal("28.25", await TotalAsync([.. arguments, "--s3.profile", "billing"]));

        _scene.Environment["AWS_SHARED_CREDENTIALS_FILE"] = "/nonexistent";
        _scene.Environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = _scene.Write("token", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2ln\n");
        _scene.Environment["AWS_ROLE_ARN"] = $"arn:aws:iam::{MotoServer.AccountId}:role/lokiops";
        _scene.Environment["AWS_ENDPOINT_URL_STS"] = _moto.Address.ToString();
        Assert.Equal("28.25", await TotalAsync(arguments));

        (int code, _, string errors) = await _scene.ReportAsync("--source", "s3://acme-bills/x", "--s3.endpoint", _moto.Address.ToString());
        Assert.Equal((1, "lokiops: cost report: s3://acme-bills/x: there is no such bucket\n"), (code, errors));

        // From now on a key must be somebody's who may.
        await _moto.EnforceIamAsync();
        _scene.Environment["AWS_ACCESS_KEY_ID"] = "AKIANOBODY";
        (code, _, errors) = await _scene.ReportAsync(arguments);
        Assert.Equal(1, code);
        Assert.Matches("s3://acme-billing/acme/daily: (access denied|S3 does not accept these credentials)", errors);
    }

    [Fact]
    public async Task RoleThatIsRefused_IsSaid_AndTheTokenIsNot()
    {
        using var listener = new HttpListener();
        string address = $"http://127.0.0.1:{FreePort.Next()}/";
        listener.Prefixes.Add(address);
        listener.Start();
        Task serving = AnswerAsync(listener);
        var credentials = new WebIdentityCredentials(new Uri(address), "arn:aws:iam::1:role/lokiops", _scene.Write("token", "secret-token"), "lokiops", TimeProvider.System);

        var refused = await Assert.ThrowsAsync<S3SetupException>(() => credentials.GetCredentialsAsync());
        await serving;

        Assert.Contains("403 AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-token", refused.ToString(), StringComparison.Ordinal);
    }

    private static async Task AnswerAsync(HttpListener listener)
    {
        HttpListenerContext context = await listener.GetContextAsync();
        context.Response.StatusCode = 403;
        await context.Response.OutputStream.WriteAsync("""
            <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code>
            <Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>
            """u8.ToArray());
        context.Response.Close();
    }

    private async Task<string> TotalAsync(string[] arguments)
    {
        System.Text.Json.JsonElement report = await _scene.JsonAsync(arguments);
        Assert.Contains(report.GetProperty("sources").EnumerateArray(), static source => source.GetProperty("files").GetInt32() == 2);
        return report.GetProperty("periods").GetProperty("monthly")[0].GetProperty("total").GetRawText();
    }

    private static async Task PutAsync(AmazonS3Client s3, string key, byte[] content)
    {
        using var body = new MemoryStream(content);
        await s3.PutObjectAsync(new PutObjectRequest { BucketName = "acme-billing", Key = key, InputStream = body });
    }
}
