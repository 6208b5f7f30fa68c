using System.CommandLine;
using LokiGateway.Protocol.Tenancy;

namespace LokiGateway.Operations.Loki;

/// <summary>The options of every command that asks a Loki.</summary>
internal sealed class LokiCommandOptions
{
    private readonly Option<string?> _address = new("--loki") { Description = "Address of Loki or of the gateway before it, such as http://loki-gateway:3100." };

    private readonly Option<string[]> _tenants = new("--tenant")
    {
        Description = "A tenant (X-Scope-OrgID); may be given several times, or as a list with commas.",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _tokenFile = new("--bearer-token-file") { Description = "File with a bearer token." };

    private readonly Option<string?> _username = new("--username") { Description = "User name of basic authentication." };

    private readonly Option<string?> _passwordFile = new("--password-file") { Description = "File with the password of --username." };

    private readonly Option<string?> _caFile = new("--ca-file") { Description = "Certificates in PEM form to trust instead of the system's." };

    private readonly Option<int> _parallelism = new("--parallelism")
    {
        Description = "Queries under way at one time.",
        DefaultValueFactory = static _ => 4,
    };

    private readonly Option<string> _timeout = new("--timeout") { Description = "What one request may take.", DefaultValueFactory = static _ => "1m" };

    public LokiCommandOptions(bool required = true)
    {
        _address.Required = required;
        _tenants.Required = required;
        _address.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !(Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https"))
                result.AddError($"--loki: \"{result.Tokens[0].Value}\" is not an http:// or https:// address");
        });
        _tenants.Validators.Add(result =>
        {
            foreach (string tenant in result.Tokens.SelectMany(static token => token.Value.Split(',')))
            {
                if (TenantId.TryParse(tenant, out _) is var error and not TenantIdError.None)
                    result.AddError($"--tenant: \"{tenant}\": {TenantId.ErrorText(error, tenant)}");
            }
        });
        _parallelism.Validators.Add(static result =>
        {
            if (result.Tokens.Count == 1 && !(int.TryParse(result.Tokens[0].Value, out int number) && number is >= 1 and <= 64))
                result.AddError($"--parallelism: \"{result.Tokens[0].Value}\" is not a number from 1 to 64");
        });
        _timeout.Validators.Add(CommandDurations.Check("--timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)));
    }

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_address, _tenants, _tokenFile, _username, _passwordFile, _caFile, _parallelism, _timeout]) command.Options.Add(option);
    }

    public bool HasAddress(System.CommandLine.Parsing.CommandResult result) => result.GetResult(_address) is not null;

    public bool HasTenants(System.CommandLine.Parsing.CommandResult result) => result.GetResult(_tenants) is not null;

    public IReadOnlyList<string> Tenants(ParseResult parsed) =>
        [.. (parsed.GetValue(_tenants) ?? []).SelectMany(static list => list.Split(',')).Distinct(StringComparer.Ordinal)];

    /// <summary>Null: no --loki was given.</summary>
    public LokiSettings? Read(ParseResult parsed) => parsed.GetValue(_address) is not { } address ? null : new LokiSettings
    {
        Address = new Uri(address.EndsWith('/') ? address : address + "/"),
        BearerTokenFile = parsed.GetValue(_tokenFile),
        Username = parsed.GetValue(_username),
        PasswordFile = parsed.GetValue(_passwordFile),
        CaFile = parsed.GetValue(_caFile),
        Parallelism = parsed.GetValue(_parallelism),
        Timeout = CommandDurations.Read(parsed.GetValue(_timeout)!),
    };
}
