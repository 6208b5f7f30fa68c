// IRSA without the SDK's STS package: Kubernetes mounts a token of the ServiceAccount, and STS gives keys of the role for it. The call is not signed (the token is the
// proof), so it is a form of five fields and an XML answer: docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html.
using System.Globalization;
using System.Net;
using System.Xml;
using Amazon.Runtime;

namespace LokiGateway.Operations.ObjectStorage;

/// <summary>Keys of a role for the token in a file. The SDK asks again before they expire; kubelet has then put a fresh token into the file.</summary>
internal sealed class WebIdentityCredentials : RefreshingAWSCredentials
{
    // A ServiceAccount's token is about a kilobyte; STS takes at most 20,000 characters.
    private const int TokenCharactersMax = 20_000;

    private const int AnswerBytesMax = 256 * 1024;

    // STS answers within a second, or throttles: then a moment later it does.
    private const int AttemptsMax = 4;

    private static readonly HttpClient Http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = TimeSpan.FromSeconds(20),
        MaxResponseContentBufferSize = AnswerBytesMax,
    };

    private readonly Uri _sts;
    private readonly string _role;
    private readonly string _tokenFile;
    private readonly string _session;
    private readonly TimeProvider _time;

    public WebIdentityCredentials(Uri sts, string role, string tokenFile, string session, TimeProvider time)
    {
        (_sts, _role, _tokenFile, _session, _time) = (sts, role, tokenFile, session, time);
        PreemptExpiryTime = TimeSpan.FromMinutes(5);
    }

    /// <summary>The regional endpoint: the global one is being given up by AWS, and is not reachable from a VPC endpoint.</summary>
    public static Uri EndpointOf(string region) =>
        new($"https://sts.{region}.{(region.StartsWith("cn-", StringComparison.Ordinal) ? "amazonaws.com.cn" : "amazonaws.com")}/");

    protected override CredentialsRefreshState GenerateNewCredentials() => GenerateNewCredentialsAsync().GetAwaiter().GetResult();

    protected override async Task<CredentialsRefreshState> GenerateNewCredentialsAsync()
    {
        string token = await ReadTokenAsync();
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await AskAsync(token);
            }
            catch (HttpRequestException busy) when (attempt < AttemptsMax && busy.StatusCode is null or >= HttpStatusCode.InternalServerError or HttpStatusCode.TooManyRequests)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100 << attempt), _time);
            }
            catch (HttpRequestException refused)
            {
                throw new S3SetupException($"{_sts}: role {_role} could not be taken on with the token in {_tokenFile}: {refused.Message}", refused);
            }
            catch (TaskCanceledException late)
            {
                throw new S3SetupException($"{_sts}: did not answer within {Http.Timeout.TotalSeconds} s", late);
            }
        }
    }

    private async Task<string> ReadTokenAsync()
    {
        try
        {
            string token = (await File.ReadAllTextAsync(_tokenFile)).Trim();
            if (token.Length is 0 or > TokenCharactersMax) throw new S3SetupException($"{_tokenFile} (AWS_WEB_IDENTITY_TOKEN_FILE) holds no token");
            return token;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new S3SetupException($"{_tokenFile} (AWS_WEB_IDENTITY_TOKEN_FILE) cannot be read: {unreadable.Message}", unreadable);
        }
    }

    private async Task<CredentialsRefreshState> AskAsync(string token)
    {
        // In the body and not in the address: addresses stand in the logs of proxies, and the token is a secret.
        using var form = new FormUrlEncodedContent(
        [
            new("Action", "AssumeRoleWithWebIdentity"),
            new("Version", "2011-06-15"),
            new("RoleArn", _role),
            new("RoleSessionName", _session),
            new("WebIdentityToken", token),
        ]);
        using HttpResponseMessage answer = await Http.PostAsync(_sts, form);
        string body = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode)
        {
            string why = ValueOf(body, "Message") ?? "";
            throw new HttpRequestException($"{(int)answer.StatusCode} {ValueOf(body, "Code") ?? answer.ReasonPhrase}{(why.Length > 0 ? ": " + why : "")}", null, answer.StatusCode);
        }

        if (ValueOf(body, "AccessKeyId") is { } key && ValueOf(body, "SecretAccessKey") is { } secret && ValueOf(body, "SessionToken") is { } session
            && DateTime.TryParse(ValueOf(body, "Expiration"), CultureInfo.InvariantCulture,
                DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out DateTime expiration))
            return new CredentialsRefreshState(new ImmutableCredentials(key, secret, session), expiration);
        throw new S3SetupException($"{_sts}: answered without credentials; is it STS?");
    }

    /// <summary>The text of the first element of this name, whatever its namespace; null when there is none or the text is not XML.</summary>
    internal static string? ValueOf(string xml, string element)
    {
        try
        {
            using var reader = XmlReader.Create(new StringReader(xml), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
            while (reader.Read())
            {
                if (reader.NodeType == XmlNodeType.Element && reader.LocalName == element) return reader.ReadElementContentAsString();
            }

            return null;
        }
        catch (XmlException)
        {
            return null;
        }
    }
}
