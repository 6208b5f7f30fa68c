// After an outage of ten minutes every push waits for up to five more. The first that goes through shows that the others need not.
namespace LokiGateway.Shipper.Send;

/// <summary>The waits between the attempts at one endpoint, all tenants and lanes together. Any thread.</summary>
internal sealed class Outage(TimeProvider time)
{
    /// <summary>
    /// An endpoint that lets through a push now and then is in trouble, and waiting is what helps it: only the first success after so long a silence is the
    /// end of an outage.
    /// </summary>
    public static readonly TimeSpan SilenceMin = TimeSpan.FromSeconds(10);

    private TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _succeededAt = time.GetTimestamp();

    /// <summary>The endpoint has taken a push.</summary>
    public void Succeeded()
    {
        long now = time.GetTimestamp();
        long before = Interlocked.Exchange(ref _succeededAt, now);
        if (time.GetElapsedTime(before, now) < SilenceMin) return;
        Interlocked.Exchange(ref _over, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    /// <summary>Waits for a time, or until the outage is over. A wait that the endpoint has asked for is waited out.</summary>
    public async Task WaitAsync(TimeSpan delay, PushAnswer answer, CancellationToken stop)
    {
        bool isAskedFor = answer.Status == "429" || answer.RetryAfter is not null;
        Task end = isAskedFor ? Task.Delay(delay, time, stop) : Volatile.Read(ref _over).Task.WaitAsync(delay, time, stop);
        await end.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.ThrowIfCancellationRequested();
    }
}
