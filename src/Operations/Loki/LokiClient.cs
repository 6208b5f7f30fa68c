// Asks a Loki as an operator's tool must: a bounded number of requests at a time, answers of bounded size, repeated with backoff while Loki is busy, and a sentence
// that names the culprit when there is no answer.
using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Polly;
using Polly.Retry;

namespace LokiGateway.Operations.Loki;

/// <summary>Any thread. Every method throws <see cref="LokiException"/> for what the world is to blame for.</summary>
internal sealed class LokiClient : IDisposable
{
    /// <summary>Five thousand lines of the ledger are 2 MB, and the points of an hour of 10,000 sources 30 MB: beyond it a query is asked in parts.</summary>
    private const int AnswerBytesMax = 128 << 20;

    // What is shown of an answer that is an error.
    private const int ErrorCharactersMax = 300;

    // Longer addresses go as a form: some proxies stop at 8 KiB.
    private const int AddressCharactersMax = 4000;

    private readonly LokiSettings _settings;
    private readonly HttpClient _http;
    private readonly SemaphoreSlim _slots;
    private readonly ResiliencePipeline _untilAnswered;

    public LokiClient(LokiSettings settings, TimeProvider time)
    {
        _settings = settings;
        _slots = new SemaphoreSlim(settings.Parallelism);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.All,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            SslOptions = TlsOf(settings),
        })
        { Timeout = Timeout.InfiniteTimeSpan };
        _untilAnswered = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = static attempt => ValueTask.FromResult(attempt.Outcome.Exception is LokiException { Fault: LokiFault.Unavailable }),
                MaxRetryAttempts = Math.Max(settings.RetriesMax, 1),
                BackoffType = DelayBackoffType.Exponential,
                Delay = TimeSpan.FromMilliseconds(250),
                MaxDelay = TimeSpan.FromSeconds(20),
                UseJitter = true,
                // What the server asks for, within reason; null: the backoff above.
                DelayGenerator = static attempt => ValueTask.FromResult((attempt.Outcome.Exception as LokiException)?.RetryAfter),
            })
            .Build();
    }

    public Uri Address => _settings.Address;

    /// <summary>How many requests the callers may have under way.</summary>
    public int Parallelism => _settings.Parallelism;

    /// <summary>Reads an answer of Loki's API with <paramref name="read"/>, which gets the whole body and must not keep it.</summary>
    /// <param name="tenant">X-Scope-OrgID; null: none is sent.</param>
    /// <param name="path">Behind the address, such as <c>loki/api/v1/labels</c>.</param>
    /// <param name="parameters">Names and values, not escaped.</param>
    /// <param name="read">Throws <see cref="FormatException"/> or JsonException when the body is not what it should be.</param>
    /// <param name="ct">Ends the waiting.</param>
    public async Task<T> AskAsync<T>(
        string? tenant, string path, IReadOnlyList<KeyValuePair<string, string>> parameters, Func<ReadOnlyMemory<byte>, T> read, CancellationToken ct) =>
        await _untilAnswered.ExecuteAsync(
            async stop => await OnceAsync(tenant, () => Request(path, parameters), read, stop).ConfigureAwait(false), ct).ConfigureAwait(false);

    /// <summary>Pushes a snappy-compressed protobuf body.</summary>
    /// <param name="tenant">X-Scope-OrgID; null: none is sent.</param>
    /// <param name="body">As Loki takes it.</param>
    /// <param name="repeat">False: the first answer counts.</param>
    /// <param name="ct">Ends the waiting.</param>
    public async Task PushAsync(string? tenant, ReadOnlyMemory<byte> body, bool repeat, CancellationToken ct)
    {
        async ValueTask<bool> Once(CancellationToken stop) => await OnceAsync(tenant, Push, static _ => true, stop).ConfigureAwait(false);
        if (repeat) await _untilAnswered.ExecuteAsync(Once, ct).ConfigureAwait(false);
        else await Once(ct).ConfigureAwait(false);

        HttpRequestMessage Push() => new(HttpMethod.Post, new Uri(_settings.Address, "loki/api/v1/push"))
        {
            Content = new ReadOnlyMemoryContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-protobuf") } },
        };
    }

    /// <summary>The status, text and server's clock of a plain page, whatever the status; asked once.</summary>
    public async Task<(int Status, string Text, DateTimeOffset? Date)> PageAsync(string path, CancellationToken ct)
    {
        using CancellationTokenSource limit = Limit(ct);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_settings.Address, path));
            Authorize(request, null);
            using HttpResponseMessage answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
            return ((int)answer.StatusCode, await ErrorTextAsync(answer, limit.Token).ConfigureAwait(false), answer.Headers.Date);
        }
        catch (Exception failure) when (NetworkFault(failure, ct) is { } fault)
        {
            throw fault;
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _slots.Dispose();
    }

    private async Task<T> OnceAsync<T>(string? tenant, Func<HttpRequestMessage> make, Func<ReadOnlyMemory<byte>, T> read, CancellationToken ct)
    {
        await _slots.WaitAsync(ct).ConfigureAwait(false);
        using CancellationTokenSource limit = Limit(ct);
        try
        {
            using HttpRequestMessage request = make();
            Authorize(request, tenant);
            using HttpResponseMessage answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode || (int)answer.StatusCode == 260)
                throw FaultOf(answer, await ErrorTextAsync(answer, limit.Token).ConfigureAwait(false), tenant);
            return await ReadAsync(answer, read, limit.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (NetworkFault(failure, ct) is { } fault)
        {
            throw fault;
        }
        finally
        {
            _slots.Release();
        }
    }

    private HttpRequestMessage Request(string path, IReadOnlyList<KeyValuePair<string, string>> parameters)
    {
        var text = new StringBuilder(path);
        foreach ((string name, string value) in parameters)
            text.Append(text.Length == path.Length ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        HttpRequestMessage request = text.Length <= AddressCharactersMax
            ? new HttpRequestMessage(HttpMethod.Get, new Uri(_settings.Address, text.ToString()))
            : new HttpRequestMessage(HttpMethod.Post, new Uri(_settings.Address, path)) { Content = new FormUrlEncodedContent(parameters) };
        // Loki's frontend keeps results of metric queries; an audit must not be told what was there an hour ago.
        request.Headers.CacheControl = new CacheControlHeaderValue { NoCache = true };
        return request;
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage answer, Func<ReadOnlyMemory<byte>, T> read, CancellationToken ct)
    {
        await using Stream body = await answer.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(answer.Content.Headers.ContentLength ?? 0, 64 << 10, AnswerBytesMax));
        int length = 0;
        try
        {
            while (true)
            {
                if (length == buffer.Length)
                {
                    if (length >= AnswerBytesMax) throw new LokiException(LokiFault.TooLarge, $"{Address}: an answer is larger than {AnswerBytesMax >> 20} MiB");
                    byte[] larger = ArrayPool<byte>.Shared.Rent(length * 2);
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }

                int count = await body.ReadAsync(buffer.AsMemory(length), ct).ConfigureAwait(false);
                if (count == 0) break;
                length += count;
            }

            return read(buffer.AsMemory(0, length));
        }
        catch (Exception strange) when (strange is System.Text.Json.JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            throw new LokiException(LokiFault.Refused, $"{Address}: answers, but not as Loki does ({strange.Message}): is it Loki or the gateway before it?", strange);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private LokiException FaultOf(HttpResponseMessage answer, string text, string? tenant)
    {
        int status = (int)answer.StatusCode;
        string said = $"{status}{(text.Length > 0 ? $" \"{text}\"" : "")}";
        LokiFault fault = status switch
        {
            401 or 403 => LokiFault.Denied,
            400 or 422 or 500 when Has("maximum", "series", "reached") => LokiFault.TooManySeries,
            400 or 422 or 500 or 413 when Has("too many bytes") || Has("the query time range exceeds the limit") || Has("larger than max") || Has("too many outstanding")
                => LokiFault.TooLarge,
            504 => LokiFault.TooLarge,
            408 or 429 or >= 500 => LokiFault.Unavailable,
            _ => LokiFault.Refused,
        };
        string who = tenant is null ? "" : $" for tenant {tenant}";
        string message = fault switch
        {
            LokiFault.Denied when status == 401 => $"{Address}: answers {said}{who}: give --bearer-token-file, or --username and --password-file",
            LokiFault.Denied => $"{Address}: answers {said}{who}: these credentials may not do this with this tenant",
            _ => $"{Address}: answers {said}{who}",
        };
        TimeSpan? wait = answer.Headers.RetryAfter?.Delta is { } asked ? (asked < TimeSpan.FromMinutes(1) ? asked : TimeSpan.FromMinutes(1)) : null;
        return new LokiException(fault, message) { Status = status, RetryAfter = wait };

        bool Has(params ReadOnlySpan<string> words)
        {
            foreach (string word in words)
            {
                if (!text.Contains(word, StringComparison.OrdinalIgnoreCase)) return false;
            }
            return true;
        }
    }

    private LokiException? NetworkFault(Exception failure, CancellationToken ct) => failure switch
    {
        _ when ct.IsCancellationRequested => null,
        OperationCanceledException => new LokiException(LokiFault.Unavailable, $"{Address}: no answer within {_settings.Timeout.TotalSeconds:0.#} s", failure),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } tls =>
            new LokiException(LokiFault.Setup, $"{Address}: TLS fails: {tls.InnerException?.Message ?? tls.Message} (--ca-file?)", failure),
        HttpRequestException or IOException => new LokiException(LokiFault.Unavailable, $"{Address}: {failure.Message}", failure),
        _ => null,
    };

    private void Authorize(HttpRequestMessage request, string? tenant)
    {
        if (tenant is not null) request.Headers.TryAddWithoutValidation("X-Scope-OrgID", tenant);
        if (_settings.BearerTokenFile is { } tokenFile)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", SecretOf(tokenFile, "--bearer-token-file"));
        }
        else if (_settings.Username is { } user)
        {
            string password = _settings.PasswordFile is { } file ? SecretOf(file, "--password-file") : "";
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
        }
    }

    private static string SecretOf(string path, string option)
    {
        try
        {
            string secret = File.ReadAllText(path).Trim();
            if (secret.Length > 0 && !secret.Contains('\n', StringComparison.Ordinal)) return secret;
            throw new LokiException(LokiFault.Setup, $"{option} {path}: {(secret.Length == 0 ? "is empty" : "has more than one line")}");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new LokiException(LokiFault.Setup, $"{option} {path}: cannot be read: {unreadable.Message}", unreadable);
        }
    }

    private static SslClientAuthenticationOptions TlsOf(LokiSettings settings)
    {
        var options = new SslClientAuthenticationOptions();
        if (settings.CaFile is not { } path) return options;
        var trusted = new X509Certificate2Collection();
        try
        {
            trusted.ImportFromPemFile(path);
        }
        catch (Exception unusable) when (unusable is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new LokiException(LokiFault.Setup, $"--ca-file {path}: {unusable.Message}", unusable);
        }

        if (trusted.Count == 0) throw new LokiException(LokiFault.Setup, $"--ca-file {path}: holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
        options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        options.CertificateChainPolicy.CustomTrustStore.AddRange(trusted);
        return options;
    }

    private CancellationTokenSource Limit(CancellationToken ct)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_settings.Timeout);
        return limit;
    }

    private static async Task<string> ErrorTextAsync(HttpResponseMessage answer, CancellationToken ct)
    {
        await using Stream body = await answer.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
        byte[] start = new byte[4 * ErrorCharactersMax];
        int length = await body.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, ct).ConfigureAwait(false);
        string text = Encoding.UTF8.GetString(start, 0, length).ReplaceLineEndings(" ").Trim();
        return text.Length <= ErrorCharactersMax ? text : text[..ErrorCharactersMax] + "…";
    }
}
