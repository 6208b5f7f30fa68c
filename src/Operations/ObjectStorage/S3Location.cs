using System.Diagnostics.CodeAnalysis;

namespace LokiGateway.Operations.ObjectStorage;

/// <summary>A bucket and the beginning of its keys, as people write it: <c>s3://bucket/prefix</c>.</summary>
/// <param name="Bucket">Its name.</param>
/// <param name="Prefix">Without a slash in front; empty for the whole bucket. A slash at the end stays: <c>prod/</c> is not <c>prod-old/</c>.</param>
internal sealed record S3Location(string Bucket, string Prefix)
{
    private const string Scheme = "s3://";

    // docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    private const int BucketCharactersMin = 3;
    private const int BucketCharactersMax = 63;

    /// <summary>True for texts that mean S3, rightly or wrongly spelled: everything else is a path.</summary>
    public static bool IsS3(string text) => text.StartsWith("s3:", StringComparison.OrdinalIgnoreCase);

    /// <summary>False with a text that says what to write instead.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out S3Location? location, out string error)
    {
        location = null;
        error = $"\"{text}\" is not an S3 location: write s3://BUCKET or s3://BUCKET/PREFIX";
        if (!text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return false;
        string rest = text[Scheme.Length..];
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        string bucket = slash < 0 ? rest : rest[..slash];
        if (!IsBucketName(bucket))
        {
            error = $"\"{text}\": \"{bucket}\" is not a bucket's name: {BucketCharactersMin} to {BucketCharactersMax} of a-z 0-9 . - with a letter or a digit at both ends";
            return false;
        }

        location = new S3Location(bucket, slash < 0 ? "" : rest[(slash + 1)..].TrimStart('/'));
        return true;
    }

    /// <summary>The same bucket, one key.</summary>
    public string UrlOf(string key) => $"{Scheme}{Bucket}/{key}";

    public override string ToString() => $"{Scheme}{Bucket}/{Prefix}";

    internal static bool IsBucketName(string name) =>
        name.Length is >= BucketCharactersMin and <= BucketCharactersMax
        && char.IsAsciiLetterOrDigit(name[0]) && char.IsAsciiLetterOrDigit(name[^1])
        && name.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-');
}
