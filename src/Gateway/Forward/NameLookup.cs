// Asks DNS for the distributors again and again: pods come and go behind a name, and a gateway that resolved it once would push to the dead ones for ever.
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway.Forward;

/// <summary>
/// Tells the addresses of a name at every look. A look that fails changes nothing: the last good answer stays, it is said once and shows in a metric until a look
/// succeeds. At most one look is under way.
/// </summary>
internal sealed class NameLookup : IAsyncDisposable
{
    /// <summary>While nothing is known, and when a connection fails: a new pod may have a new address already.</summary>
    public static readonly TimeSpan HurriedPeriod = TimeSpan.FromSeconds(1);

    /// <summary>What resolv.conf allows one server by default.</summary>
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(5);

    private readonly string _host;
    private readonly TimeSpan _period;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;
    private readonly Func<IEnumerable<IPAddress>, (int Came, int Went)> _change;
    private readonly GatewayMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer? _timer;
    private long _lookedAt;
    private int _isLooking;
    private bool _isKnown;
    private bool _isFailing;

    /// <param name="url">Its host is resolved; one that is an address is taken as it is and DNS is never asked.</param>
    /// <param name="period">From one look to the next.</param>
    /// <param name="resolve"><see cref="Dns.GetHostAddressesAsync(string, CancellationToken)"/>, or a test's.</param>
    /// <param name="change">Takes the addresses of a good look, at least one.</param>
    /// <param name="metrics">Told whether the last look was good.</param>
    /// <param name="time">Drives the looks.</param>
    /// <param name="log">Told what changed.</param>
    public NameLookup(
        Uri url, TimeSpan period, Func<string, CancellationToken, Task<IPAddress[]>> resolve, Func<IEnumerable<IPAddress>, (int Came, int Went)> change,
        GatewayMetrics metrics, TimeProvider time, ILogger log)
    {
        (_host, _period, _resolve, _change, _metrics, _time, _log) = (url.IdnHost, period, resolve, change, metrics, time, log);
        _metrics.SetUpstreamResolved(true);
        if (IPAddress.TryParse(_host, out IPAddress? literal))
        {
            change([literal]);
            _first.SetResult();
            return;
        }

        _timer = time.CreateTimer(static state => ((NameLookup)state!).Look(), this, period, period);
        Look();
    }

    /// <summary>Completes with the first look, good or not.</summary>
    public Task First => _first.Task;

    /// <summary>Looks soon: a connection has failed. At most one look a second comes of it.</summary>
    public void Hurry()
    {
        if (_timer is not null && _time.GetElapsedTime(Volatile.Read(ref _lookedAt)) >= HurriedPeriod) Look();
    }

    public async ValueTask DisposeAsync()
    {
        if (_timer is not null) await _timer.DisposeAsync();
        await _stop.CancelAsync();
    }

    private void Look()
    {
        if (_stop.IsCancellationRequested || Interlocked.Exchange(ref _isLooking, 1) != 0) return;
        Volatile.Write(ref _lookedAt, _time.GetTimestamp());
        // Off this thread: the system's resolver may block before its first await.
        _ = Task.Run(LookAsync);
    }

    private async Task LookAsync()
    {
        Task<IPAddress[]>? asked = null;
        try
        {
            asked = _resolve(_host, _stop.Token);
            IPAddress[] found = [.. (await asked.WaitAsync(AnswerMax, _time, _stop.Token)).Where(IsUsable)];
            if (found.Length == 0) Fail("the name has no addresses");
            else Take(found);
        }
        catch (Exception failure) when (failure is SocketException or ArgumentException or TimeoutException)
        {
            Fail(failure is TimeoutException ? $"no answer within {AnswerMax.TotalSeconds} s" : failure.Message);
        }
        catch (OperationCanceledException)
        {
            // The end.
        }

        // A resolver that hangs cannot be stopped: no second one is started beside it.
        bool hangs = asked is { IsCompleted: false };
        if (!hangs) Volatile.Write(ref _isLooking, 0);
        _first.TrySetResult();
        if (!hangs) return;
        await asked!.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        Volatile.Write(ref _isLooking, 0);
    }

    private static bool IsUsable(IPAddress ip) => ip.AddressFamily switch
    {
        AddressFamily.InterNetwork => Socket.OSSupportsIPv4,
        AddressFamily.InterNetworkV6 => Socket.OSSupportsIPv6,
        _ => false,
    };

    private void Take(IPAddress[] found)
    {
        if (_isFailing) Log.UpstreamResolvedAgain(_log, _host);
        (_isKnown, _isFailing) = (true, false);
        _metrics.SetUpstreamResolved(true);
        (int came, int went) = _change(found);
        if (came + went > 0) Log.UpstreamAddressesChanged(_log, _host, found.Length, came, went);
    }

    private void Fail(string reason)
    {
        if (!_isFailing) Log.UpstreamNotResolved(_log, _host, reason, _isKnown);
        _isFailing = true;
        _metrics.SetUpstreamResolved(false);
        if (!_isKnown && _period > HurriedPeriod && !_stop.IsCancellationRequested) _timer!.Change(HurriedPeriod, _period);
    }
}
