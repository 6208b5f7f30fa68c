// The connection to the Redis in which all gateways count, and the judgement whether it can be used. A limit that cannot be asked for must cost no push: at the first
// failure everything is counted here, until a probe that writes has been answered twice.
using LokiGateway.Hosting.Configuration;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace LokiGateway.Gateway.Admit.Redis;

/// <summary>Runs scripts. Thread-safe. Nothing here throws for what Redis does or does not do.</summary>
internal sealed class RedisStore : IAsyncDisposable
{
    /// <summary>With <see cref="RedisOptions.TimeoutMax"/> a Redis that hangs is noticed within 750 ms, even when no push asks it.</summary>
    public static readonly TimeSpan ProbePeriod = TimeSpan.FromMilliseconds(250);

    /// <summary>A start waits so long for Redis before pushes are counted here.</summary>
    private static readonly TimeSpan StartWait = TimeSpan.FromSeconds(1);

    /// <summary>How long it stays degraded at least; doubled when it fails again soon after, so that a Redis at its limit does not make the limits flap.</summary>
    private static readonly TimeSpan HoldMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HoldMax = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Relapse = TimeSpan.FromSeconds(10);

    /// <summary>The library gives up a connection that was refused for its password, and takes a replica for one until it looks again: it is helped so often.</summary>
    private static readonly TimeSpan HelpPeriod = TimeSpan.FromSeconds(2);

    private const int DetailLengthMax = 200;

    private readonly RedisOptions _options;
    private readonly LimitsStoreMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ReloadedFiles? _passwordFile;
    private readonly RedisKey[] _probeKey;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _health = new();
    private readonly TaskCompletionSource _firstAnswer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _password;
    private volatile IConnectionMultiplexer? _connection;
    private volatile bool _isDegraded = true;
    private Task _probing = Task.CompletedTask;
    private (RedisFault Fault, string Detail)? _connectionFailure;
    private long _degradedAt;
    private long _recoveredAt;
    private long _helpedAt;
    private TimeSpan _hold = HoldMin;
    private int _goodProbes;
    private int _recoveries;
    private bool _isSaid;

    /// <exception cref="ConfigurationException">The password file cannot be read.</exception>
    public RedisStore(RedisOptions options, LimitsStoreMetrics metrics, TimeProvider time, ILogger log)
    {
        (_options, _metrics, _time, _log) = (options, metrics, time, log);
        _probeKey = [$"{options.KeyPrefix}probe:{Gateway}"];
        _recoveredAt = _degradedAt = _helpedAt = time.GetTimestamp();
        if (options.PasswordFile is { } file)
        {
            _passwordFile = new ReloadedFiles(
                [file], texts => Volatile.Write(ref _password, texts[0].TrimEnd('\r', '\n')), errors => Log.RedisPasswordUnreadable(log, errors[0]), static () => { }, time);
        }

        metrics.SetDegraded(true);
    }

    /// <summary>This process among all gateways.</summary>
    public string Gateway { get; } = Guid.NewGuid().ToString("N")[..12];

    public string KeyPrefix => _options.KeyPrefix;

    /// <summary>Limits are local, divided by the replicas.</summary>
    public bool IsDegraded => _isDegraded;

    /// <summary>Goes up whenever the store can be used again: what was admitted meanwhile has not been announced.</summary>
    public int Recoveries => Volatile.Read(ref _recoveries);

    public LimitsStoreMetrics Metrics => _metrics;

    /// <summary>Announcements that no push waits for: after an outage there are many, and Redis has to answer those of pushes in between.</summary>
    public SemaphoreSlim Background { get; } = new(4);

    /// <summary>Begins to connect, and returns when the store can be used or a second has passed: a gateway must start without its Redis.</summary>
    public async Task StartAsync()
    {
        _probing = ProbeAsync();
        await Task.WhenAny(_firstAnswer.Task, Task.Delay(StartWait, _time));
        if (_isDegraded) SayDegraded(_connectionFailure ?? (RedisFault.Unreachable, "no answer yet"));
    }

    /// <summary>Runs a script. Null: it failed, and the store is degraded from now on; whether Redis has run it is not known.</summary>
    public async Task<RedisResult[]?> RunAsync(string script, RedisKey[] keys, RedisValue[] values)
    {
        RedisResult? result = await TryRunAsync(script, keys, values);
        if (result is null) return null;
        return (RedisResult[]?)result;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _probing;
        if (_passwordFile is not null) await _passwordFile.DisposeAsync();
        if (_connection is not null) await _connection.DisposeAsync();
        _stop.Dispose();
    }

    private async Task<RedisResult?> TryRunAsync(string script, RedisKey[] keys, RedisValue[] values)
    {
        long startedAt = _time.GetTimestamp();
        try
        {
            if (_connection is not { } connection)
            {
                Fail(_connectionFailure ?? (RedisFault.Unreachable, "not connected yet"));
                return null;
            }

            RedisResult result;
            try
            {
                result = await AwaitAsync(connection.GetDatabase().ScriptEvaluateAsync(script, keys, values));
            }
            catch (RedisServerException forgotten) when (forgotten.Message.Contains("NOSCRIPT", StringComparison.Ordinal))
            {
                // Its cache was emptied, nothing was run. The library loads the script again the next time.
                result = await AwaitAsync(connection.GetDatabase().ScriptEvaluateAsync(script, keys, values));
            }

            _metrics.Answered(script, _time.GetElapsedTime(startedAt));
            return result;
        }
        catch (TimeoutException)
        {
            Fail((RedisFault.Slow, $"no answer within {_options.Timeout.TotalMilliseconds:0} ms"));
        }
        catch (Exception failure)
        {
            // Whatever it is: no push fails for it, and it is counted and said.
            Fail(Judge(failure));
        }

        return null;
    }

    /// <summary>With the deadline of one answer. The library's own is looked at once a second only.</summary>
    private async Task<T> AwaitAsync<T>(Task<T> running)
    {
        try
        {
            return await running.WaitAsync(_options.Timeout, _time);
        }
        catch (TimeoutException)
        {
            _ = ObserveAsync(running);
            throw;
        }
    }

    private async Task ProbeAsync()
    {
        using var timer = new PeriodicTimer(ProbePeriod, _time);
        try
        {
            do
            {
                if (_connection is null) await ConnectAsync();
                if (_connection is not { } connection) continue;
                if (await TryRunAsync(LimitScripts.Probe, _probeKey, []) is not null) ProbeAnswered();
                else if (_time.GetElapsedTime(_helpedAt) > HelpPeriod) await HelpAsync(connection);
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    private async Task HelpAsync(IConnectionMultiplexer connection)
    {
        if (!connection.IsConnected) await ConnectAsync();
        // Not waited for: a Redis that hangs would hold up the probes.
        else if (_connectionFailure is { Fault: RedisFault.ReadOnly }) _ = ObserveAsync(connection.ConfigureAsync());
        _helpedAt = _time.GetTimestamp();
    }

    private async Task ConnectAsync()
    {
        var options = new ConfigurationOptions
        {
            EndPoints = { { _options.Host, _options.Port } },
            User = _options.Username,
            Defaults = new Secrets(this),
            Ssl = _options.Tls,
            SslHost = _options.Tls ? _options.Host : null,
            CheckCertificateRevocation = false,
            ClientName = "loki-gateway",
            AbortOnConnectFail = false,
            ConnectRetry = 1,
            ConnectTimeout = 1000,
            // Only to forget what was given up long before.
            AsyncTimeout = (int)Math.Max(1000, 2 * _options.Timeout.TotalMilliseconds),
            KeepAlive = 5,
            ConfigCheckSeconds = 10,
            // A push must not wait in a queue for a connection that may come.
            BacklogPolicy = BacklogPolicy.FailFast,
            ReconnectRetryPolicy = new LinearRetry(250),
            IncludeDetailInExceptions = false,
            // Neither is used: no channel is subscribed to, no key of the library's own is written.
            ConfigurationChannel = "",
            TieBreaker = "",
        };
        try
        {
            IConnectionMultiplexer connection = await ConnectionMultiplexer.ConnectAsync(options);
            connection.ConnectionFailed += (_, failed) => Remember(failed.Exception);
            IConnectionMultiplexer? before = _connection;
            _connection = connection;
            if (before is not null) _ = ObserveAsync(before.DisposeAsync().AsTask());
        }
        catch (Exception failure)
        {
            Fail(Judge(failure));
        }
    }

    /// <summary>Nobody waits for it: what becomes of it shows in the next probe.</summary>
    private static async Task ObserveAsync(Task task)
    {
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void ProbeAnswered()
    {
        lock (_health)
        {
            if (!_isDegraded) return;
            bool isFirst = !_firstAnswer.Task.IsCompleted;
            if (++_goodProbes < 2 && !isFirst) return;
            TimeSpan lasted = _time.GetElapsedTime(_degradedAt);
            if (!isFirst && lasted < _hold) return;
            _recoveredAt = _time.GetTimestamp();
            _connectionFailure = null;
            Interlocked.Increment(ref _recoveries);
            _isDegraded = false;
            _metrics.SetDegraded(false);
            if (_isSaid) Log.LimitsStoreBack(_log, lasted.TotalSeconds);
            _isSaid = false;
            _firstAnswer.TrySetResult();
        }
    }

    private void Fail((RedisFault Fault, string Detail) why)
    {
        if (_stop.IsCancellationRequested) return;
        _metrics.Failed(why.Fault);
        lock (_health)
        {
            _goodProbes = 0;
            _connectionFailure = why;
            if (_isDegraded) return;
            long now = _time.GetTimestamp();
            _hold = _time.GetElapsedTime(_recoveredAt, now) < Relapse && _recoveries > 1 ? TimeSpan.FromTicks(Math.Min(_hold.Ticks * 2, HoldMax.Ticks)) : HoldMin;
            _degradedAt = now;
            _isDegraded = true;
            _metrics.SetDegraded(true);
        }

        SayDegraded(why);
    }

    private void SayDegraded((RedisFault Fault, string Detail) why)
    {
        lock (_health)
        {
            if (_isSaid || !_isDegraded) return;
            _isSaid = true;
        }

        Log.LimitsStoreDegraded(_log, LimitsStoreMetrics.NameOf(why.Fault), why.Detail);
    }

    private void Remember(Exception? failure)
    {
        if (failure is null) return;
        lock (_health) _connectionFailure = Judge(failure);
    }

    /// <summary>The library wraps what Redis or the socket said in texts of its own: the innermost one is what an operator needs.</summary>
    private (RedisFault Fault, string Detail) Judge(Exception failure)
    {
        RedisFault fault = failure is RedisServerException or RedisCommandException ? RedisFault.Refused : RedisFault.Unreachable;
        Exception innermost = failure;
        bool tellsNothing = true;
        for (Exception? one = failure; one is not null; one = one.InnerException)
        {
            innermost = one;
            RedisFault named = FaultIn(one);
            if (named != RedisFault.Unreachable) (fault, tellsNothing) = (named, false);
            // "No connection is available."
            tellsNothing &= one is RedisConnectionException { FailureType: ConnectionFailureType.UnableToResolvePhysicalConnection or ConnectionFailureType.None };
        }

        if (tellsNothing && _connectionFailure is { } before) return before;
        string detail = innermost.Message.ReplaceLineEndings(" ");
        return (fault, detail.Length <= DetailLengthMax ? detail : detail[..DetailLengthMax]);
    }

    private static RedisFault FaultIn(Exception failure)
    {
        string text = failure.Message;
        if (failure is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure }) return RedisFault.AccessDenied;
        if (Says("NOAUTH") || Says("WRONGPASS") || Says("NOPERM")) return RedisFault.AccessDenied;
        if (failure is RedisConnectionException { FailureType: ConnectionFailureType.Loading } || Says("LOADING ")) return RedisFault.Loading;
        if (Says("OOM ")) return RedisFault.OutOfMemory;
        if (Says("READONLY ") || Says("replica")) return RedisFault.ReadOnly;
        return failure is RedisServerException or RedisCommandException ? RedisFault.Refused : RedisFault.Unreachable;

        bool Says(string word) => text.Contains(word, StringComparison.Ordinal);
    }

    /// <summary>Asked for the password at every connection: one that was rotated holds for the next.</summary>
    private sealed class Secrets(RedisStore store) : StackExchange.Redis.Configuration.DefaultOptionsProvider
    {
        public override string? Password => Volatile.Read(ref store._password);
    }
}
