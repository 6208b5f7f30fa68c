// The credentials file: read strictly, because a misspelled tenant must not become a hole, and read again when it changes, because a rotated token must not need a
// restart. One that is broken leaves the old credentials in force.
using LokiGateway.Hosting.Configuration;
using LokiGateway.Protocol.Tenancy;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>Thread-safe; a reload swaps <see cref="Current"/>.</summary>
internal sealed class CredentialsFile : IAsyncDisposable
{
    /// <summary>Each of these is tried for a token that names no credential: more would let a guess take minutes.</summary>
    private const int NamelessTokensMax = 16;

    /// <summary>About 200 bytes each in the file, which may have 1 MiB.</summary>
    private const int CredentialsMax = 4096;

    private readonly string _path;
    private readonly GatewayMetrics _metrics;
    private readonly ILogger _log;
    private readonly ReloadedFiles _files;
    private CredentialSet _current = CredentialSet.Empty;

    /// <exception cref="ConfigurationException">The file cannot be used.</exception>
    public CredentialsFile(string path, GatewayMetrics metrics, TimeProvider time, ILogger log)
    {
        (_path, _metrics, _log) = (path, metrics, log);
        _files = new ReloadedFiles([path], Apply, Refused, () => metrics.SetCredentialsReloaded(true), time);
    }

    public CredentialSet Current => Volatile.Read(ref _current);

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    /// <summary>Looks at the file now, as the timer does.</summary>
    internal void Look() => _files.Look();

    /// <summary>Asks the file for all its keys. Errors are collected in it: call its Finish afterwards.</summary>
    internal static IReadOnlyList<Credential> Bind(ConfigurationSection root)
    {
        IReadOnlyList<ConfigurationSection> entries = root.Sections("credentials", "Who may come in; made by loki-gateway hash-credential.");
        var credentials = new List<Credential>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        int nameless = 0;
        foreach (ConfigurationSection entry in entries)
        {
            Credential credential = BindOne(entry);
            if (!ids.Add(credential.Id)) entry.Error("id", $"\"{credential.Id}\" is there twice");
            if (credential.Subject is { } subject && !names.Add("subject " + subject)) entry.Error("subject", "is there twice");
            if (credential.Username is { Length: > 0 } name && !names.Add("user " + name)) entry.Error("username", "is there twice");
            if (credential.Token is { NamesCredential: false } && ++nameless == NamelessTokensMax + 1)
            {
                entry.Error("token_hash",
                    $"more than {NamelessTokensMax} tokens do not begin with their credential's id (hash-credential --generate makes tokens that do)");
            }

            credentials.Add(credential);
        }

        if (credentials.Count > CredentialsMax) root.Error("credentials", $"has more than {CredentialsMax} entries");
        return credentials;
    }

    private static Credential BindOne(ConfigurationSection entry)
    {
        string id = entry.RequiredString("id", "Name of the credential in logs, and what its token begins with. Not a secret.");
        if (id.Length > 0 && !IsId(id)) entry.Error("id", "may have 1 to 64 of A-Z a-z 0-9 _ . -");
        SecretHash? token = Hash(entry, "token_hash", "Hash of a bearer token.");
        string? username = entry.OptionalString("username", "User of HTTP basic authentication, with password_hash.");
        SecretHash? password = Hash(entry, "password_hash", "Hash of the user's password.");
        if (username?.Contains(':', StringComparison.Ordinal) == true) entry.Error("username", "must not contain a colon: HTTP ends the name there");
        string? subject = entry.OptionalString("subject",
            "For auth.mode mtls: URI, DNS name or common name of a client's certificate; URI:, DNS: or CN= before it admits that kind only.");
        int proofs = (entry.Has("token_hash") ? 1 : 0) + (entry.Has("username") || entry.Has("password_hash") ? 1 : 0) + (entry.Has("subject") ? 1 : 0);
        if (proofs != 1) entry.Error("id", "needs either token_hash, or username and password_hash, or subject");
        else if (entry.Has("username") != entry.Has("password_hash")) entry.Error("id", "needs both username and password_hash");
        if (password is { NamesCredential: true }) entry.Error("password_hash", "is the hash of a token");

        var tenants = new List<TenantId>();
        foreach (string text in entry.Strings("tenants", "Tenants that it may use. With a single one a request needs no X-Scope-OrgID."))
        {
            TenantIdError error = TenantId.TryParse(text, out TenantId tenant);
            if (error != TenantIdError.None || tenant.Value != text) entry.Error("tenants", $"\"{text}\" is not a tenant id");
            else tenants.Add(tenant);
        }

        if (tenants.Count == 0) entry.Error("tenants", "names no tenant");
        IReadOnlyList<string> allow = entry.Strings("allow", "What it may do with them: push, read.");
        foreach (string action in allow)
        {
            if (action is not ("push" or "read")) entry.Error("allow", $"expected push or read, found \"{action}\"");
        }

        if (allow.Count == 0) entry.Error("allow", "allows nothing: push, read");
        return new Credential(new Grant(id, tenants, allow.Contains("push"), allow.Contains("read")))
        {
            Token = token,
            Username = username,
            Password = password,
            Subject = subject,
        };
    }

    /// <summary>Also the beginning of a token, so it must stand in a header as it is.</summary>
    internal static bool IsId(string id) => id.Length is > 0 and <= 64 && id.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');

    private static SecretHash? Hash(ConfigurationSection entry, string key, string help)
    {
        if (entry.OptionalString(key, help, secret: true) is not { } text) return null;
        SecretHash? hash = SecretHash.TryParse(text, out string error);
        if (hash is null) entry.Error(key, error);
        return hash;
    }

    private void Apply(IReadOnlyList<string> texts)
    {
        ConfigurationFile file = ConfigurationFile.Parse(texts[0], _path);
        IReadOnlyList<Credential> credentials = Bind(file.Root);
        file.Finish();
        Volatile.Write(ref _current, new CredentialSet(credentials));
        Log.CredentialsLoaded(_log, _path, credentials.Count);
    }

    private void Refused(IReadOnlyList<string> errors)
    {
        _metrics.SetCredentialsReloaded(false);
        foreach (string error in errors) Log.CredentialsRefused(_log, error);
    }
}
