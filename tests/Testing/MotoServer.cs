// A real S3, IAM and STS server (moto, out of Debian's packages), on a port of its own. What Terraform builds, what a policy forbids and how S3 answers a
// client cannot be learnt from a stand-in that somebody wrote to behave.
using System.Globalization;
using System.Net.Http.Headers;

namespace LokiGateway.Testing;

/// <summary>A started moto server that keeps everything in memory. Any access key is its owner's until <see cref="EnforceIamAsync"/>. Disposing kills it.</summary>
/// <remarks>
/// Clients need path-style addresses, a region and any credentials. A bucket policy that denies requests without TLS is obeyed, and the server has no TLS: use a
/// bucket without one for objects. moto is one Python process: it answers a request at a time, tens of milliseconds each.
/// </remarks>
public sealed class MotoServer : IAsyncDisposable
{
    /// <summary>Region and account of everything that is made in moto.</summary>
    public const string Region = "us-east-1";

    /// <summary>Account that owns it.</summary>
    public const string AccountId = "123456789012";

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly ChildProcess _process;

    private MotoServer(ChildProcess process, Uri address)
    {
        _process = process;
        Address = address;
    }

    /// <summary>http://127.0.0.1:port, the endpoint of S3, IAM and STS alike.</summary>
    public Uri Address { get; }

    /// <summary>Why moto cannot be started on this machine; null when it can. eng/deploy-tools.sh lays it into artifacts/tools/moto.</summary>
    public static string? Missing =>
        !File.Exists(Python) ? "there is no /usr/bin/python3, which runs moto"
        : !File.Exists(Path.Combine(Packages, "moto", "server.py")) ? "there is no moto in artifacts/tools/moto: eng/deploy-tools.sh fetches it on Debian 12"
        : null;

    private static string Python => "/usr/bin/python3";

    private static string Packages { get; } = Path.Combine(FindRoot(), "artifacts", "tools", "moto", "usr", "lib", "python3", "dist-packages");

    /// <summary>Starts an empty server and waits until it answers; look at <see cref="Missing"/> first and skip the test with it.</summary>
    public static async Task<MotoServer> StartAsync()
    {
        if (Missing is { } reason) throw new InvalidOperationException(reason);
        var port = FreePort.Next();
        var process = ChildProcess.Start(Python, new Dictionary<string, string>
        {
            ["PYTHONPATH"] = Packages,
            ["PYTHONDONTWRITEBYTECODE"] = "1",
            ["MOTO_ACCOUNT_ID"] = AccountId,
        },
        // -s: nothing out of a user's own packages.
        ["-s", "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture)]);
        var server = new MotoServer(process, new Uri($"http://127.0.0.1:{port}"));
        try
        {
            await Eventually.TrueAsync(async () =>
            {
                if (process.HasExited) throw new InvalidOperationException($"moto ended before it answered. {process.Describe()}");
                using var answer = await server._http.GetAsync(new Uri(server.Address, "/moto-api/")).ConfigureAwait(false);
                return answer.IsSuccessStatusCode;
            }, "moto answers", process.Describe, TimeSpan.FromSeconds(90)).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>From now on every request needs the key of an IAM user or role whose policies allow it; <paramref name="enforce"/> false: no more.</summary>
    public async Task EnforceIamAsync(bool enforce = true)
    {
        // moto counts down requests that are still free: 0 are, or as good as all.
        using var body = new StringContent(enforce ? "0" : "1000000000");
        body.Headers.ContentType = new MediaTypeHeaderValue("text/plain");
        using var answer = await _http.PostAsync(new Uri(Address, "/moto-api/reset-auth"), body).ConfigureAwait(false);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Forgets every bucket, role and key.</summary>
    public async Task ResetAsync()
    {
        using var answer = await _http.PostAsync(new Uri(Address, "/moto-api/reset"), null).ConfigureAwait(false);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>The end of its output, for a failure message.</summary>
    public string Describe() => _process.Describe();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync().ConfigureAwait(false);
        _http.Dispose();
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "LokiGateway.sln"))) return at.FullName;
        }

        throw new InvalidOperationException("the tests must run inside the repository");
    }
}
