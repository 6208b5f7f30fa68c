using System.CommandLine;

namespace LokiGateway.Operations.ObjectStorage;

/// <summary>The options of every command that reads S3, under the names that Loki's own flags have.</summary>
internal sealed class S3CommandOptions
{
    private readonly Option<string?> _region = new("--s3.region") { Description = "Region of the bucket. Not given: AWS_REGION, AWS_DEFAULT_REGION or the profile's." };

    private readonly Option<string?> _endpoint = new("--s3.endpoint", "--endpoint-url")
    {
        Description = "Address of an S3 that is not Amazon's, such as http://minio:9000. Not given: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL.",
    };

    private readonly Option<bool?> _pathStyle = new("--s3.force-path-style", "--path-style")
    {
        Description = "The bucket in the path and not in the host name. Not given: true with --s3.endpoint, else false.",
    };

    private readonly Option<string?> _profile = new("--s3.profile") { Description = "Profile of ~/.aws/config and ~/.aws/credentials. Not given: AWS_PROFILE." };

    private readonly Option<bool> _anonymous = new("--s3.anonymous") { Description = "Ask without credentials: for public buckets." };

    public S3CommandOptions()
    {
        _endpoint.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !IsHttp(result.Tokens[0].Value)) result.AddError($"--s3.endpoint: \"{result.Tokens[0].Value}\" is not an http:// or https:// address");
        });
    }

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_region, _endpoint, _pathStyle, _profile, _anonymous]) command.Options.Add(option);
    }

    public S3Settings Read(ParseResult parsed) => new()
    {
        Region = parsed.GetValue(_region),
        Endpoint = parsed.GetValue(_endpoint) is { } endpoint ? new Uri(endpoint) : null,
        ForcePathStyle = parsed.GetValue(_pathStyle),
        Profile = parsed.GetValue(_profile),
        Anonymous = parsed.GetValue(_anonymous),
    };

    private static bool IsHttp(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https";
}
