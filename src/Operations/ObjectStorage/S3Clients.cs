// Builds the S3 client of the SDK. Who asks is looked for in the order of the AWS command line, with one step of our own: the SDK takes on the role of a Kubernetes
// ServiceAccount (IRSA) through its STS package only.
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.S3;

namespace LokiGateway.Operations.ObjectStorage;

internal static class S3Clients
{
    // One region for endpoints that have none: signatures need a name, and S3s that are not Amazon's expect this one.
    private const string RegionOfEndpoints = "us-east-1";

    // A listing of a thousand keys or a part of an object; a server that takes longer is asked again.
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    // Beside the first: the SDK waits with jitter in between, so that this rides out about ten seconds.
    private const int RetriesMax = 4;

    /// <summary>
    /// A client for any thread; the caller disposes it. Throws <see cref="S3SetupException"/> when region or credentials are missing. Credentials, first found:
    /// AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN); AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN (IRSA); the profile;
    /// AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI (EKS Pod Identity, ECS); the instance's own.
    /// </summary>
    public static AmazonS3Client Create(S3Settings settings, Func<string, string?> environment, TimeProvider time)
    {
        CredentialProfile? profile = FindProfile(settings, environment);
        Uri? endpoint = settings.Endpoint ?? EndpointOf(environment, "AWS_ENDPOINT_URL_S3") ?? EndpointOf(environment, "AWS_ENDPOINT_URL");
        string? region = settings.Region ?? NonEmpty(environment("AWS_REGION")) ?? NonEmpty(environment("AWS_DEFAULT_REGION"))
            ?? profile?.Region?.SystemName ?? (endpoint is null ? null : RegionOfEndpoints);
        if (region is null) throw new S3SetupException("no region for S3: give --s3.region, or set AWS_REGION");
        var config = new AmazonS3Config
        {
            ForcePathStyle = settings.ForcePathStyle ?? endpoint is not null,
            MaxErrorRetry = RetriesMax,
            Timeout = RequestTimeout,
            ConnectTimeout = ConnectTimeout,
            // Only where S3 asks for it: servers that are not Amazon's stumble over checksums that they did not order.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (endpoint is not null)
        {
            config.ServiceURL = endpoint.ToString();
            config.AuthenticationRegion = region;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        AWSCredentials? credentials = FindCredentials(settings, environment, profile, region, time);
        return credentials is null ? new AmazonS3Client(config) : new AmazonS3Client(credentials, config);
    }

    /// <summary>Null: nothing says who asks, and the SDK tries the instance's own role.</summary>
    internal static AWSCredentials? FindCredentials(
        S3Settings settings, Func<string, string?> environment, CredentialProfile? profile, string region, TimeProvider time)
    {
        if (settings.Anonymous) return new AnonymousAWSCredentials();
        // A profile that was asked for by name on the command line wins over the environment, as with the AWS command line.
        if (settings.Profile is not null && profile is not null) return FromProfile(profile);
        if (NonEmpty(environment("AWS_ACCESS_KEY_ID")) is { } key)
        {
            string secret = NonEmpty(environment("AWS_SECRET_ACCESS_KEY"))
                ?? throw new S3SetupException("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not");
            return NonEmpty(environment("AWS_SESSION_TOKEN")) is { } token ? new SessionAWSCredentials(key, secret, token) : new BasicAWSCredentials(key, secret);
        }

        if (NonEmpty(environment("AWS_WEB_IDENTITY_TOKEN_FILE")) is { } tokenFile)
        {
            string role = NonEmpty(environment("AWS_ROLE_ARN")) ?? throw new S3SetupException("AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not");
            Uri sts = EndpointOf(environment, "AWS_ENDPOINT_URL_STS") ?? WebIdentityCredentials.EndpointOf(region);
            return new WebIdentityCredentials(sts, role, tokenFile, NonEmpty(environment("AWS_ROLE_SESSION_NAME")) ?? "lokiops", time);
        }

        if (profile is not null) return FromProfile(profile);
        if (NonEmpty(environment("AWS_CONTAINER_CREDENTIALS_FULL_URI")) is not null || NonEmpty(environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) is not null)
            return new GenericContainerCredentials();
        if (string.Equals(environment("AWS_EC2_METADATA_DISABLED"), "true", StringComparison.OrdinalIgnoreCase))
        {
            throw new S3SetupException(
                "no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or run as a ServiceAccount with a role; --s3.anonymous asks without");
        }

        return null;
    }

    private static AWSCredentials FromProfile(CredentialProfile profile)
    {
        if (!AWSCredentialsFactory.TryGetAWSCredentials(profile, profile.CredentialProfileStore, out AWSCredentials? credentials))
            throw new S3SetupException($"profile \"{profile.Name}\" has no credentials that can be used without further tools");
        return credentials;
    }

    private static CredentialProfile? FindProfile(S3Settings settings, Func<string, string?> environment)
    {
        string? asked = settings.Profile ?? NonEmpty(environment("AWS_PROFILE"));
        string? file = NonEmpty(environment("AWS_SHARED_CREDENTIALS_FILE"));
        var store = file is null ? new CredentialProfileStoreChain() : new CredentialProfileStoreChain(file);
        try
        {
            if (store.TryGetProfile(asked ?? "default", out CredentialProfile? profile) && (asked is not null || profile.CanCreateAWSCredentials)) return profile;
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException or AmazonClientException or FormatException)
        {
            throw new S3SetupException($"{file ?? "~/.aws"}: cannot be read: {broken.Message}", broken);
        }

        return asked is null ? null : throw new S3SetupException($"there is no profile \"{asked}\" in {file ?? "~/.aws/config or ~/.aws/credentials"}");
    }

    private static Uri? EndpointOf(Func<string, string?> environment, string name)
    {
        if (NonEmpty(environment(name)) is not { } text) return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https") return uri;
        throw new S3SetupException($"{name}: \"{text}\" is not an http:// or https:// address");
    }

    private static string? NonEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
