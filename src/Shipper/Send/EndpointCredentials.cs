// Secrets are files that somebody else rotates. They are read again when they change, so that a new token needs no restart, and nothing here
// ever puts one into a log line or an exception.
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Send;

/// <summary>The Authorization header of the endpoint. Thread-safe.</summary>
internal sealed class EndpointCredentials
{
    private readonly EndpointOptions _options;
    private readonly SendObserver _observer;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly string? _file;
    private readonly Lock _gate = new();
    private long _lookedAt = long.MinValue;
    private string? _secret;
    private AuthenticationHeaderValue? _header;
    private string? _lastTrouble;

    public EndpointCredentials(EndpointOptions options, SendObserver observer, TimeProvider time, ILogger log)
    {
        (_options, _observer, _time, _log) = (options, observer, time, log);
        _file = options.BearerTokenFile ?? options.BasicAuthPasswordFile;
        if ((options.BearerToken ?? options.BasicAuthPassword) is { } written) _header = HeaderOf(written);
    }

    /// <summary>The header to send, null for none. False when one is configured and could never be read: <paramref name="trouble"/> says why.</summary>
    public bool TryGet(out AuthenticationHeaderValue? header, out string? trouble)
    {
        trouble = null;
        lock (_gate)
        {
            if (_file is not null && (_lookedAt == long.MinValue || _time.GetElapsedTime(_lookedAt) >= SecretFile.LookPeriod)) Look(_file);
            header = _header;
            if (_file is null || _header is not null) return true;
            trouble = _lastTrouble;
            return false;
        }
    }

    /// <summary>
    /// The endpoint did not take a header: perhaps the secret was rotated a moment ago. Reads the file at once; true when it holds another one now.
    /// </summary>
    public bool Renew(AuthenticationHeaderValue? refused)
    {
        if (_file is null) return false;
        lock (_gate)
        {
            // Another push may have been here before.
            if (ReferenceEquals(_header, refused)) Look(_file);
            return _header is not null && !ReferenceEquals(_header, refused);
        }
    }

    private void Look(string path)
    {
        _lookedAt = _time.GetTimestamp();
        // The content is compared: whoever swaps a link or keeps times is noticed as well.
        string? secret = SecretFile.TryRead(path, SecretFile.TokenBytesMax, out string wrong)?.Trim();
        if (secret is not null && secret.AsSpan().ContainsAny("\r\n\0")) (secret, wrong) = (null, "holds more than one line");
        if (secret is null)
        {
            // The last good secret stays in use: a file that is being replaced is not there for a moment.
            string trouble = $"{path}: {wrong}";
            _observer.CredentialsUnusable(_options.BearerTokenFile is null ? "password_file" : "bearer_token_file");
            if (trouble != _lastTrouble) Log.CredentialsUnreadable(_log, trouble);
            _lastTrouble = trouble;
            return;
        }
        _lastTrouble = null;
        if (secret == _secret) return;
        if (_secret is not null) Log.CredentialsRenewed(_log, path);
        _secret = secret;
        _header = HeaderOf(secret);
    }

    private AuthenticationHeaderValue HeaderOf(string secret) => _options.BasicAuthUsername is null
        ? new AuthenticationHeaderValue("Bearer", secret)
        : new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{_options.BasicAuthUsername}:{secret}")));
}
