// One entry of the credentials file.
namespace LokiGateway.Gateway.Authenticate;

/// <summary>Exactly one way to prove it is set.</summary>
internal sealed record Credential(Grant Grant)
{
    public string Id => Grant.Credential;

    public SecretHash? Token { get; init; }

    public string? Username { get; init; }

    public SecretHash? Password { get; init; }

    /// <summary>A name in a client's certificate, with or without its kind (<c>CN=</c>, <c>DNS:</c>, <c>URI:</c>).</summary>
    public string? Subject { get; init; }
}
