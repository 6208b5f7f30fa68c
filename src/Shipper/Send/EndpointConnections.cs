// Which connections a push may use. With TLS they belong to certificates, and when those are renewed the old connections are let go with the request that they
// carry: a rotated certificate needs no restart, and a push under way is not cut off.
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Send;

/// <summary>Pooled HTTP/1.1 connections to the endpoint. Thread-safe.</summary>
internal sealed class EndpointConnections : IDisposable
{
    private readonly EndpointOptions _options;
    private readonly TlsOptions? _tls;
    private readonly SendObserver _observer;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private Texts _inUse;
    private Texts? _refused;
    private bool _refusalSaid;
    private long _lookedAt;
    private Pool _pool;

    /// <summary>What the files held; null: there is no such file in the options.</summary>
    private readonly record struct Texts(string? Ca, string? Cert, string? Key);

    /// <summary><see cref="TlsException"/> says what is wrong with a file.</summary>
    public EndpointConnections(EndpointOptions options, SendObserver observer, TimeProvider time, ILogger log)
    {
        (_options, _observer, _time, _log) = (options, observer, time, log);
        _tls = options.Url.Scheme == "https" ? options.Tls : null;
        _lookedAt = time.GetTimestamp();
        _pool = new Pool(_tls is null ? null : Load(options, time, out _inUse), options);
        if (_tls is null) return;
        if (_tls.InsecureSkipVerify) Log.TlsNotVerified(log);
        Tell(_pool.Tls!);
    }

    /// <summary>Throws <see cref="TlsException"/> when the files of endpoint.tls cannot be used as they are now.</summary>
    public static void Check(EndpointOptions options, TimeProvider time)
    {
        if (options.Url.Scheme == "https") Load(options, time, out _);
    }

    /// <summary>Connections with the newest certificates; to be given back after the answer.</summary>
    public Pool Take()
    {
        lock (_gate)
        {
            if (_tls is not null && _time.GetElapsedTime(_lookedAt) >= SecretFile.LookPeriod)
            {
                _lookedAt = _time.GetTimestamp();
                Look();
            }
            _pool.Users++;
            return _pool;
        }
    }

    public void Return(Pool pool)
    {
        lock (_gate)
        {
            pool.Users--;
            if (pool.Users == 0 && !ReferenceEquals(pool, _pool)) pool.Dispose();
        }
        if (pool.Tls?.ServerNotAfter is { } end) _observer.CertificateSeen("server", end);
    }

    public void Dispose()
    {
        lock (_gate) _pool.Dispose();
    }

    private void Look()
    {
        string? trouble = null;
        Texts texts = Read(_tls!, ref trouble);
        if (trouble is null && texts == _inUse)
        {
            (_refused, _refusalSaid) = (null, false);
            return;
        }
        TlsMaterial? tls = trouble is null
            ? TlsMaterial.TryCreate(_tls!, _options.Url.IdnHost, texts.Ca, texts.Cert, texts.Key, _time, out trouble)
            : null;
        if (tls is null)
        {
            // A file that is being written, or a certificate whose key comes in a moment: said when the next look finds the same.
            if (_refused != texts) (_refused, _refusalSaid) = (texts, false);
            else Refuse(trouble!);
            return;
        }
        (_inUse, _refused, _refusalSaid) = (texts, null, false);
        Pool old = _pool;
        _pool = new Pool(tls, _options);
        if (old.Users == 0) old.Dispose();
        Log.TlsRenewed(_log, _tls!.CaFile, _tls.CertFile);
        Tell(tls);
    }

    private void Refuse(string trouble)
    {
        _observer.CredentialsUnusable("tls");
        if (!_refusalSaid) Log.TlsFilesUnusable(_log, trouble);
        _refusalSaid = true;
    }

    private static TlsMaterial Load(EndpointOptions options, TimeProvider time, out Texts texts)
    {
        string? trouble = null;
        texts = Read(options.Tls, ref trouble);
        TlsMaterial? tls = trouble is null
            ? TlsMaterial.TryCreate(options.Tls, options.Url.IdnHost, texts.Ca, texts.Cert, texts.Key, time, out trouble)
            : null;
        return tls ?? throw new TlsException(trouble!);
    }

    private static Texts Read(TlsOptions options, ref string? trouble)
    {
        return new Texts(One("ca_file", options.CaFile, ref trouble), One("cert_file", options.CertFile, ref trouble),
            One("key_file", options.KeyFile, ref trouble));

        static string? One(string key, string? path, ref string? trouble)
        {
            if (path is null) return null;
            string? text = SecretFile.TryRead(path, SecretFile.CertificateBytesMax, out string wrong);
            if (text is null) trouble ??= $"endpoint.tls.{key} {path}: {wrong}";
            return text;
        }
    }

    /// <summary>Ends of the certificates: in metrics always, in the log when one is over.</summary>
    private void Tell(TlsMaterial tls)
    {
        DateTime now = _time.GetUtcNow().UtcDateTime;
        var ends = new Dictionary<string, DateTime>();
        foreach ((string key, string path, X509Certificate2 certificate) in tls.Certificates)
        {
            DateTime end = certificate.NotAfter.ToUniversalTime(), begin = certificate.NotBefore.ToUniversalTime();
            if (end <= now) Log.TlsCertificateExpired(_log, key, path, certificate.Subject, end);
            if (begin > now) Log.TlsCertificateNotYetValid(_log, key, path, certificate.Subject, begin);
            string whose = key == "ca_file" ? "ca" : "client";
            // Of several authorities the first to end is the one to look after.
            if (!ends.TryGetValue(whose, out DateTime first) || end < first) ends[whose] = end;
        }
        foreach ((string whose, DateTime end) in ends) _observer.CertificateSeen(whose, new DateTimeOffset(end, TimeSpan.Zero));
    }

    /// <summary>Connections that share certificates. Its owner counts the users under its lock.</summary>
    internal sealed class Pool : IDisposable
    {
        public Pool(TlsMaterial? tls, EndpointOptions options)
        {
            Tls = tls;
            var handler = new SocketsHttpHandler
            {
                // A redirect to a login page must not swallow pushes with a 200.
                AllowAutoRedirect = false,
                UseCookies = false,
                // Replicas of the gateway come and go behind one name: look it up again now and then.
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                ConnectTimeout = options.RemoteTimeout,
                // Nobody traces single pushes, and the headers cost on every one.
                ActivityHeadersPropagator = null,
            };
            if (tls is not null) handler.SslOptions = tls.ConnectionOptions();
            // The handler asks every server for the host of the url, whatever its options say.
            if (tls is not null && options.Tls.ServerName is not null) handler.ConnectCallback = (context, cancel) => ConnectAsync(tls, context, cancel);
            Http = new HttpMessageInvoker(handler);
        }

        public HttpMessageInvoker Http { get; }

        /// <summary>Null over plain http.</summary>
        public TlsMaterial? Tls { get; }

        public int Users { get; set; }

        public void Dispose() => Http.Dispose();

        private static async ValueTask<Stream> ConnectAsync(TlsMaterial tls, SocketsHttpConnectionContext context, CancellationToken cancel)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(context.DnsEndPoint, cancel).ConfigureAwait(false);
                var stream = new NetworkStream(socket, ownsSocket: true);
                // A tunnel through a proxy comes first; TLS within it is the handler's, and only its server name is the url's then.
                if (context.InitialRequestMessage.Method == HttpMethod.Connect) return stream;
                var secured = new SslStream(stream);
                await secured.AuthenticateAsClientAsync(tls.ConnectionOptions(), cancel).ConfigureAwait(false);
                return secured;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }
}
