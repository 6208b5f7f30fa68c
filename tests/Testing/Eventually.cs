// Waiting for something that another thread or process does, without a sleep of a guessed length: a condition is polled until it holds or
// a generous deadline passes, and the failure says what was last seen. A test that waits otherwise is either slow or flaky.
using System.Diagnostics;
using System.Net.Sockets;

namespace LokiGateway.Testing;

/// <summary>Polls a condition until it holds; after the deadline throws <see cref="EventuallyException"/> with the last state seen.</summary>
public static class Eventually
{
    /// <summary>Generous on purpose: the machine that runs the tests may have two cores and eight builds on them. It costs only when a test fails.</summary>
    public static readonly TimeSpan DefaultDeadline = TimeSpan.FromSeconds(30);

    /// <summary>Waits until <paramref name="condition"/> holds. <paramref name="what"/> completes the sentence "expected eventually: ...".</summary>
    public static Task True(Func<bool> condition, string what, Func<string>? lastState = null, TimeSpan? deadline = null) =>
        Poll(() => Task.FromResult(condition()), static holds => holds, what, _ => lastState?.Invoke() ?? "the condition was false", deadline);

    /// <summary>As <see cref="True"/>, for a condition that has to ask somebody else.</summary>
    public static Task TrueAsync(Func<Task<bool>> condition, string what, Func<string>? lastState = null, TimeSpan? deadline = null) =>
        Poll(condition, static holds => holds, what, _ => lastState?.Invoke() ?? "the condition was false", deadline);

    /// <summary>Waits until the value that <paramref name="read"/> gives satisfies <paramref name="until"/>, and returns that value.</summary>
    public static Task<T> Value<T>(Func<T> read, Func<T, bool> until, string what, TimeSpan? deadline = null) =>
        Poll(() => Task.FromResult(read()), until, what, static value => $"last value: {value}", deadline);

    /// <summary>As <see cref="Value{T}"/>, for a value that has to be fetched.</summary>
    public static Task<T> ValueAsync<T>(Func<Task<T>> read, Func<T, bool> until, string what, TimeSpan? deadline = null) =>
        Poll(read, until, what, static value => $"last value: {value}", deadline);

    /// <summary>Waits until <paramref name="value"/> equals <paramref name="expected"/>.</summary>
    public static Task Equal<T>(T expected, Func<T> value, string what, TimeSpan? deadline = null) =>
        Value(value, seen => EqualityComparer<T>.Default.Equals(seen, expected), $"{what} to be {expected}", deadline);

    private static async Task<T> Poll<T>(Func<Task<T>> read, Func<T, bool> until, string what, Func<T, string> describe, TimeSpan? deadline)
    {
        var limit = deadline ?? DefaultDeadline;
        var clock = Stopwatch.StartNew();
        var pauseMs = 2;
        while (true)
        {
            Exception? failure = null;
            var started = clock.Elapsed;
            var seen = default(T);
            try
            {
                seen = await read().ConfigureAwait(false);
                if (until(seen)) return seen;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or SocketException or TaskCanceledException)
            {
                // A server that is not up yet, a file that is not there yet: part of waiting.
                failure = e;
            }

            if (clock.Elapsed > limit)
            {
                var state = failure is null ? describe(seen!) : $"{failure.GetType().Name}: {failure.Message}";
                throw new EventuallyException($"After {clock.Elapsed.TotalSeconds:F1} s still not: {what}. {state}", failure);
            }
            // A condition that is dear to look at must not take a whole core from what it waits for.
            var costMs = (int)(clock.Elapsed - started).TotalMilliseconds;
            await Task.Delay(Math.Max(pauseMs, Math.Min(3 * costMs, 500))).ConfigureAwait(false);
            pauseMs = Math.Min(pauseMs * 2, 50);
        }
    }
}

/// <summary>A condition did not come true before its deadline.</summary>
public sealed class EventuallyException(string message, Exception? inner = null) : Exception(message, inner);
