// The issuer's keys, kept at hand: a request does not wait for the identity provider, and its outage is noticed only by tokens of keys that nobody has seen yet.
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>Fetches keys at the start, every period, and when a token names one that is not known. A fetch that fails keeps the keys. Thread-safe.</summary>
internal sealed class JwksSource : IAsyncDisposable
{
    /// <summary>Whoever invents key ids cannot make us ask the issuer more often than this.</summary>
    public static readonly TimeSpan AskedAgainAfter = TimeSpan.FromSeconds(10);

    /// <summary>Ten keys have some 10 KiB.</summary>
    private const int BytesMax = 1 << 20;

    private readonly Uri _url;
    private readonly GatewayMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly TimeSpan _refresh;
    private readonly HttpClient _http;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private JsonWebKeySet? _current;
    private byte[] _currentText = [];
    private Task<bool>? _fetching;
    private long _askedAt;
    private bool _isAsked;
    private string? _toldTrouble;

    public JwksSource(Uri url, TimeSpan refresh, GatewayMetrics metrics, TimeProvider time, ILogger log)
    {
        (_url, _metrics, _time, _log) = (url, metrics, time, log);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        })
        {
            Timeout = TimeSpan.FromSeconds(5),
            MaxResponseContentBufferSize = BytesMax,
        };
        _refresh = refresh;
        _timer = time.CreateTimer(static state => ((JwksSource)state!).Tick(), this, TimeSpan.Zero, AskedAgainAfter);
    }

    /// <summary>Null until the first fetch that worked.</summary>
    public JsonWebKeySet? Current => Volatile.Read(ref _current);

    /// <summary>
    /// The fetch that is under way, or a new one; true when it has worked. Null, and when it may be asked again, when the last one was a moment ago.
    /// </summary>
    public Task<bool>? TryRefresh(out TimeSpan wait)
    {
        wait = AskedAgainAfter;
        lock (_gate)
        {
            if (_fetching is { IsCompleted: false } running) return running;
            if (_isAsked && _time.GetElapsedTime(_askedAt) is var ago && ago < AskedAgainAfter)
            {
                wait = AskedAgainAfter - ago;
                return null;
            }

            (_isAsked, _askedAt) = (true, _time.GetTimestamp());
            return _fetching = Task.Run(FetchAsync);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        _http.CancelPendingRequests();
        if (_fetching is { } last) await last;
        _http.Dispose();
    }

    /// <summary>A period after a fetch that worked, soon after one that did not: the issuer may have started later than we.</summary>
    private void Tick()
    {
        lock (_gate)
        {
            bool hasWorked = _fetching is { IsCompletedSuccessfully: true, Result: true };
            if (hasWorked && _time.GetElapsedTime(_askedAt) < _refresh) return;
        }

        TryRefresh(out _);
    }

    private async Task<bool> FetchAsync()
    {
        string trouble;
        try
        {
            using HttpResponseMessage answer = await _http.GetAsync(_url);
            byte[] text = await answer.Content.ReadAsByteArrayAsync();
            JsonWebKeySet? keys = JsonWebKeySet.TryParse(text, out trouble);
            if (!answer.IsSuccessStatusCode) trouble = $"status {(int)answer.StatusCode}";
            else if (keys is not null)
            {
                Take(keys, text);
                return true;
            }
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or OperationCanceledException or System.Net.Sockets.SocketException)
        {
            trouble = failure is OperationCanceledException ? "no answer in time" : failure.Message;
        }

        _metrics.SetJwksRefreshed(null);
        // Once for each trouble, not every ten seconds of an outage.
        if (Interlocked.Exchange(ref _toldTrouble, trouble) != trouble) Log.JwksFailed(_log, _url, trouble, Current is not null);
        return false;
    }

    private void Take(JsonWebKeySet keys, byte[] text)
    {
        _metrics.SetJwksRefreshed(_time.GetUtcNow());
        bool wasTrouble = Interlocked.Exchange(ref _toldTrouble, null) is not null;
        // The same keys keep what was verified with them.
        bool isSame = text.AsSpan().SequenceEqual(_currentText);
        if (!isSame)
        {
            _currentText = text;
            Volatile.Write(ref _current, keys);
        }

        if (!isSame || wasTrouble) Log.JwksLoaded(_log, _url, keys.Keys.Count);
    }
}
