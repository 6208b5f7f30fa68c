// The account that a moto server stands for: users, roles and keys made through its IAM and STS, and S3 as one of them. IAM and STS are a few forms that are posted
// (AWSSDK has no package for them here); what they answer is XML.
using System.Net.Http.Headers;
using System.Xml.Linq;
using Amazon.Runtime;
using Amazon.S3;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Terraform;

internal sealed class MotoAccount(MotoServer moto) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = moto.Address, Timeout = TimeSpan.FromSeconds(60) };

    public void Dispose() => _http.Dispose();

    /// <summary>A new user with this policy and nothing else, and S3 as that user. While IAM is not enforced.</summary>
    public async Task<AmazonS3Client> UserAsync(string name, string policy)
    {
        await AskAsync("iam", "2010-05-08", ("Action", "CreateUser"), ("UserName", name));
        await AskAsync("iam", "2010-05-08", ("Action", "PutUserPolicy"), ("UserName", name), ("PolicyName", "only"), ("PolicyDocument", policy));
        XDocument key = await AskAsync("iam", "2010-05-08", ("Action", "CreateAccessKey"), ("UserName", name));
        return S3(new BasicAWSCredentials(Text(key, "AccessKeyId"), Text(key, "SecretAccessKey")));
    }

    /// <summary>S3 as a pod whose service account has the role: its token exchanged for keys of an hour.</summary>
    public async Task<AmazonS3Client> RoleAsync(string roleArn)
    {
        XDocument keys = await AskAsync(
            "sts", "2011-06-15", ("Action", "AssumeRoleWithWebIdentity"), ("RoleArn", roleArn), ("RoleSessionName", "loki"), ("WebIdentityToken", "a.b.c"));
        return S3(new SessionAWSCredentials(Text(keys, "AccessKeyId"), Text(keys, "SecretAccessKey"), Text(keys, "SessionToken")));
    }

    /// <summary>S3 as the account's owner, as long as IAM is not enforced.</summary>
    public AmazonS3Client Owner() => S3(new BasicAWSCredentials("test", "test"));

    private AmazonS3Client S3(AWSCredentials credentials) => new(credentials, new AmazonS3Config
    {
        ServiceURL = moto.Address.ToString(),
        AuthenticationRegion = MotoServer.Region,
        ForcePathStyle = true,
        MaxErrorRetry = 0,
        // Checksums are sent as trailers of a chunked body, which moto's check of signatures does not know.
        RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
        ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
    });

    private async Task<XDocument> AskAsync(string service, string version, params (string Name, string Value)[] form)
    {
        using var content = new FormUrlEncodedContent([KeyValuePair.Create("Version", version), .. form.Select(static field => KeyValuePair.Create(field.Name, field.Value))]);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = content };
        // One port serves all services: which one is meant stands in the scope of the signature, which itself is not looked at yet.
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "AWS4-HMAC-SHA256", $"Credential=test/20260101/{MotoServer.Region}/{service}/aws4_request, SignedHeaders=host, Signature=none");
        using HttpResponseMessage answer = await _http.SendAsync(request);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{form[0].Value}: {(int)answer.StatusCode} {text}");
        return XDocument.Parse(text);
    }

    private static string Text(XDocument document, string element) => document.Descendants().First(node => node.Name.LocalName == element).Value;
}
