// loki-gateway hash-credential: makes an entry of the credentials file. The secret comes through a pipe or is made here, and is never an argument: arguments stand in the
// shell's history and in everybody's process list.
using System.Buffers.Text;
using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using LokiGateway.Hosting.Lifetime;
using LokiGateway.Protocol.Tenancy;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>The entry goes to stdout, ready to be appended to the file; a secret that was made goes to stderr, once.</summary>
internal static class HashCredentialCommand
{
    /// <summary>256 bits: nobody guesses it, whatever it is hashed with.</summary>
    private const int GeneratedBytes = 32;

    public static Command Create(Func<Stream> openInput)
    {
        var id = new Option<string>("--id") { Description = "Name of the credential in logs: 1 to 64 of A-Z a-z 0-9 _ . -", Required = true };
        var tenants = new Option<string[]>("--tenant") { Description = "A tenant that it may use; may be given several times.", Required = true };
        var allow = new Option<string[]>("--allow") { Description = "push or read; may be given twice. Not given: push.", DefaultValueFactory = static _ => ["push"] };
        var username = new Option<string?>("--username") { Description = "Make a password of HTTP basic authentication for this user, and not a bearer token." };
        var generate = new Option<bool>("--generate") { Description = "Make a random secret and show it once on stderr, instead of reading one from stdin." };
        var iterations = new Option<int>("--iterations")
        {
            Description = $"Rounds of PBKDF2-SHA256, {SecretHash.IterationsMin} to {SecretHash.IterationsMax}.",
            DefaultValueFactory = static _ => SecretHash.IterationsDefault,
        };
        var command = new Command("hash-credential", "Make an entry for auth.credentials_file; the secret is read from stdin or made with --generate.")
        {
            id, tenants, allow, username, generate, iterations,
        };
        command.SetAction(parsed =>
        {
            TextWriter stdout = parsed.InvocationConfiguration.Output, stderr = parsed.InvocationConfiguration.Error;
            var entry = new Entry(parsed.GetValue(id)!, parsed.GetValue(username), parsed.GetValue(tenants)!, parsed.GetValue(allow)!, parsed.GetValue(iterations));
            string? trouble = entry.Trouble();
            byte[] secret = [];
            bool isGenerated = parsed.GetValue(generate);
            if (trouble is null && isGenerated) secret = Generate(entry);
            else if (trouble is null) trouble = TryRead(openInput, entry.Username is null, out secret);
            if (trouble is not null)
            {
                stderr.WriteLine($"loki-gateway: hash-credential: {trouble}");
                return ExitCodes.Usage;
            }

            if (isGenerated) stderr.WriteLine($"{(entry.Username is null ? "bearer token" : "password")}, shown only now: {Encoding.UTF8.GetString(secret)}");
            stdout.WriteLine(entry.ToYaml(secret));
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>A token begins with its id, so that the gateway compares it with one hash and a log of leaked tokens says whose they are.</summary>
    private static byte[] Generate(Entry entry)
    {
        string random = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(GeneratedBytes));
        return Encoding.UTF8.GetBytes(entry.Username is null ? $"{entry.Id}.{random}" : random);
    }

    /// <summary>Everything up to the end, without the newline that echo adds. Null when it is a secret that a header can carry.</summary>
    private static string? TryRead(Func<Stream> openInput, bool isToken, out byte[] secret)
    {
        byte[] bytes = new byte[SecretHash.SecretBytesMax + 3];
        using Stream input = openInput();
        ReadOnlySpan<byte> text = bytes.AsSpan(0, input.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        if (text.EndsWith("\n"u8)) text = text[..^1];
        if (text.EndsWith("\r"u8)) text = text[..^1];
        secret = text.ToArray();
        if (text.IsEmpty) return "stdin holds no secret; pipe one in, or --generate";
        if (text.Length > SecretHash.SecretBytesMax) return $"the secret is longer than {SecretHash.SecretBytesMax} bytes";
        if (text.IndexOfAnyInRange((byte)0, (byte)31) >= 0) return "the secret has several lines or control characters";
        // RFC 6750: a token is sent as it is. A password goes through base64 and may have anything.
        return isToken && text.IndexOfAnyExceptInRange((byte)'!', (byte)'~') >= 0 ? "a token may have printable ASCII without spaces only" : null;
    }

    private sealed record Entry(string Id, string? Username, string[] Tenants, string[] Allow, int Iterations)
    {
        public string? Trouble()
        {
            if (!CredentialsFile.IsId(Id)) return "--id may have 1 to 64 of A-Z a-z 0-9 _ . -";
            if (Username is { Length: 0 } || Username?.AsSpan().IndexOfAny(":\"\\\r\n") >= 0) return "--username must not be empty or have colons, quotes or backslashes";
            foreach (string tenant in Tenants)
            {
                if (TenantId.TryParse(tenant, out TenantId parsed) != TenantIdError.None || parsed.Value != tenant) return $"--tenant \"{tenant}\" is not a tenant id";
            }

            foreach (string action in Allow)
            {
                if (action is not ("push" or "read")) return $"--allow is push or read, not \"{action}\"";
            }

            return Iterations is < SecretHash.IterationsMin or > SecretHash.IterationsMax
                ? $"--iterations must be {SecretHash.IterationsMin} to {SecretHash.IterationsMax}"
                : null;
        }

        public string ToYaml(ReadOnlySpan<byte> secret)
        {
            bool namesItself = Username is null && secret.StartsWith(Encoding.UTF8.GetBytes(Id + ".")) && secret[(Id.Length + 1)..].IndexOf((byte)'.') < 0;
            string hash = SecretHash.Create(secret, Iterations, namesItself).ToString();
            string proof = Username is null ? $"token_hash: \"{hash}\"" : $"username: \"{Username}\", password_hash: \"{hash}\"";
            string tenants = string.Join(", ", Tenants.Distinct().Select(static tenant => $"\"{tenant}\""));
            return $"  - {{id: \"{Id}\", {proof}, tenants: [{tenants}], allow: [{string.Join(", ", Allow.Distinct())}]}}";
        }
    }
}
