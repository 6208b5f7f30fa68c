// Secrets are files that somebody else rotates. They are read again when they change, so that a new token needs no restart, and nothing here
// ever puts one into a log line or an exception.
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper.Send;

/// <summary>The Authorization header of the endpoint. Thread-safe.</summary>
internal sealed class EndpointCredentials(EndpointOptions options, TimeProvider time, ILogger log)
{
    /// <summary>How soon a rotated secret is noticed; a stat a second costs nothing.</summary>
    private static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(1);

    /// <summary>A token of 64 KiB is a mistake (a wrong file), and must not go into a header.</summary>
    private const int SecretBytesMax = 64 << 10;

    private readonly string? _file = options.BearerTokenFile ?? options.BasicAuthPasswordFile;
    private readonly Lock _gate = new();
    private long _lookedAt = long.MinValue;
    private (DateTime Written, long Length) _seen;
    private AuthenticationHeaderValue? _header;
    private string? _lastTrouble;

    /// <summary>The header to send, null for none. False when one is configured and could never be read: <paramref name="trouble"/> says why.</summary>
    public bool TryGet(out AuthenticationHeaderValue? header, out string? trouble)
    {
        header = null;
        trouble = null;
        if (_file is null) return true;
        lock (_gate)
        {
            long now = time.GetTimestamp();
            if (_lookedAt == long.MinValue || time.GetElapsedTime(_lookedAt, now) >= LookPeriod)
            {
                _lookedAt = now;
                Look(_file);
            }
            header = _header;
            trouble = _header is null ? _lastTrouble : null;
            return _header is not null;
        }
    }

    private void Look(string path)
    {
        try
        {
            FileInfo file = new(path);
            if (!file.Exists) throw new FileNotFoundException("no such file");
            // Kubernetes swaps a symlink, so time and length are those of the target.
            FileSystemInfo target = file.ResolveLinkTarget(returnFinalTarget: true) ?? file;
            (DateTime, long) seen = (target.LastWriteTimeUtc, ((FileInfo)target).Length);
            if (_header is not null && seen == _seen) return;
            if (seen.Item2 > SecretBytesMax) throw new InvalidDataException($"it is larger than {SecretBytesMax} bytes");
            string secret = File.ReadAllText(path).Trim();
            if (secret.Length == 0) throw new InvalidDataException("it is empty");
            if (secret.AsSpan().ContainsAny("\r\n\0")) throw new InvalidDataException("it holds more than one line");
            _header = options.BearerTokenFile is not null
                ? new AuthenticationHeaderValue("Bearer", secret)
                : new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{options.BasicAuthUsername}:{secret}")));
            _seen = seen;
            _lastTrouble = null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            // The last good secret stays in use: a file that is being replaced is not there for a moment.
            string trouble = $"{path} cannot be used: {failure.Message}";
            if (trouble != _lastTrouble) Log.CredentialsUnreadable(log, trouble);
            _lastTrouble = trouble;
        }
    }
}
