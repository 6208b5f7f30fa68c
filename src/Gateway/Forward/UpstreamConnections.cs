// Connections to one address under the name of all: Host header, SNI and the check of the certificate go by the name in push_url, the socket goes to the address.
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Gateway.Forward;

/// <summary>Makes the pool of an address. Each is bounded by upstream.max_in_flight, all of them together are too, since no push is sent beyond it.</summary>
internal sealed class UpstreamConnections
{
    private readonly UpstreamOptions _options;
    private readonly int _answerBytesMax;
    private readonly X509Certificate2Collection? _trusted;

    /// <exception cref="ConfigurationException">upstream.ca_file cannot be used.</exception>
    public UpstreamConnections(UpstreamOptions options, int answerBytesMax)
    {
        (_options, _answerBytesMax) = (options, answerBytesMax);
        if (options.CaFile is not { } file) return;
        _trusted = [];
        try
        {
            _trusted.ImportFromPem(File.ReadAllText(file));
        }
        catch (Exception broken) when (broken is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"upstream.ca_file: {file}: {broken.Message}", broken);
        }

        if (_trusted.Count == 0) throw new ConfigurationException($"upstream.ca_file: {file} holds no certificate");
    }

    public HttpMessageInvoker To(IPAddress ip)
    {
        var endpoint = new IPEndPoint(ip, _options.PushUrl.Port);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            MaxConnectionsPerServer = _options.MaxInFlight,
            // Three tries fit into the deadline.
            ConnectTimeout = TimeSpan.FromSeconds(Math.Min(2, _options.Timeout.TotalSeconds / 3)),
            // The address may be a load balancer's: no connection is older than this, so that the pods behind it share the work.
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            // Below Loki's server.http_server_idle_timeout (2 min), so that it is not Loki that closes a connection just as we write to it.
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            MaxResponseHeadersLength = 16,
            MaxResponseDrainSize = _answerBytesMax,
            ConnectCallback = (_, ct) => ConnectAsync(endpoint, ct),
        };
        if (_trusted is not null)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(_trusted);
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        }

        return new HttpMessageInvoker(handler);
    }

    private static async ValueTask<Stream> ConnectAsync(IPEndPoint endpoint, CancellationToken ct)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endpoint, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
