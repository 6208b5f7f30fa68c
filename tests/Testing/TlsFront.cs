// TLS in front of a FaultSink, as an ingress stands in front of a gateway: certificates can be exchanged while it runs, and what clients showed is kept.
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace LokiGateway.Testing;

/// <summary>Accepts TLS connections and passes their bytes on. All members may be called from any thread.</summary>
public sealed class TlsFront : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Uri _behind;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<string?> _clients = [];
    private readonly List<string> _names = [];
    private X509Certificate2 _certificate;

    private TlsFront(Uri behind, TestCertificate certificate)
    {
        _behind = behind;
        _certificate = certificate.ToCertificate();
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>What the clients' certificates must be signed by; null: none is asked for.</summary>
    public TestAuthority? ClientsSignedBy { get; set; }

    /// <summary>Versions that it speaks.</summary>
    public SslProtocols Protocols { get; set; } = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>The push route under the name localhost.</summary>
    public Uri PushUrl => new($"https://localhost:{((IPEndPoint)_listener.LocalEndpoint).Port}/loki/api/v1/push");

    /// <summary>Subject of the client's certificate of each connection that got through, null where there was none.</summary>
    public IReadOnlyList<string?> Clients
    {
        get
        {
            lock (_gate) return [.. _clients];
        }
    }

    /// <summary>Server name (SNI) of each connection that got through.</summary>
    public IReadOnlyList<string> AskedNames
    {
        get
        {
            lock (_gate) return [.. _names];
        }
    }

    /// <summary>Starts one in front of an address.</summary>
    public static TlsFront Start(Uri behind, TestCertificate certificate) => new(behind, certificate);

    /// <summary>New connections get this certificate.</summary>
    public void Use(TestCertificate certificate) => Volatile.Write(ref _certificate, certificate.ToCertificate());

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token).ConfigureAwait(false));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The end of the test.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            {
                await using var tls = new SslStream(client.GetStream());
                await tls.AuthenticateAsServerAsync(Options(), _stop.Token).ConfigureAwait(false);
                lock (_gate)
                {
                    _clients.Add(tls.RemoteCertificate?.Subject);
                    _names.Add(tls.TargetHostName);
                }
                using var behind = new TcpClient();
                await behind.ConnectAsync(_behind.Host, _behind.Port, _stop.Token).ConfigureAwait(false);
                await using var plain = behind.GetStream();
                await Task.WhenAny(tls.CopyToAsync(plain, _stop.Token), plain.CopyToAsync(tls, _stop.Token)).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or AuthenticationException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // A client that does not like us, or the end of the test.
        }
    }

    private SslServerAuthenticationOptions Options()
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificate = Volatile.Read(ref _certificate),
            EnabledSslProtocols = Protocols,
            ClientCertificateRequired = ClientsSignedBy is not null,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (ClientsSignedBy is { } authority)
        {
            options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            options.CertificateChainPolicy.CustomTrustStore.ImportFromPem(authority.Pem);
            options.RemoteCertificateValidationCallback = static (_, _, _, errors) => errors == SslPolicyErrors.None;
        }
        return options;
    }
}
