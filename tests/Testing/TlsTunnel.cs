// A plain port that leads into TLS with a client certificate: what sends bytes by hand can so be pointed at a server that asks for one.
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace LokiGateway.Testing;

/// <summary>Carries each connection to the server behind, byte for byte. The server must be one of the authority's, for localhost.</summary>
public sealed class TlsTunnel : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Uri _server;
    private readonly SslStreamCertificateContext _certificate;
    private readonly X509ChainPolicy _trust = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
    private readonly Task _accepting;

    /// <summary>Opens the plain port.</summary>
    public TlsTunnel(Uri server, TestCertificate certificate, TestAuthority servers)
    {
        _server = server;
        _trust.CustomTrustStore.ImportFromPem(servers.Pem);
        _certificate = SslStreamCertificateContext.Create(certificate.ToCertificate(), null, offline: true);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The plain port.</summary>
    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> carried = [];
        try
        {
            while (true) carried.Add(CarryAsync(await _listener.AcceptTcpClientAsync(_stop.Token).ConfigureAwait(false)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end of the test.
        }

        await Task.WhenAll(carried).ConfigureAwait(false);
    }

    private async Task CarryAsync(TcpClient client)
    {
        using (client)
        using (var behind = new TcpClient())
        {
            try
            {
                await behind.ConnectAsync(_server.Host, _server.Port, _stop.Token).ConfigureAwait(false);
                await using var tls = new SslStream(behind.GetStream());
                await tls.AuthenticateAsClientAsync(
                    new SslClientAuthenticationOptions { TargetHost = "localhost", ClientCertificateContext = _certificate, CertificateChainPolicy = _trust },
                    _stop.Token).ConfigureAwait(false);
                await using var plain = client.GetStream();
                await Task.WhenAny(tls.CopyToAsync(plain, _stop.Token), plain.CopyToAsync(tls, _stop.Token)).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or AuthenticationException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // A side that closes, or the end of the test: the client sees its connection end.
            }
        }
    }
}
