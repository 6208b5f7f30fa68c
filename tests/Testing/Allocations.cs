// What an operation allocates, measured so that a busy machine does not change the answer.
using System.Text.Json;

namespace LokiGateway.Testing;

/// <summary>Counts allocated bytes of the calling thread.</summary>
public static class Allocations
{
    private const int Batches = 20;
    private const int Rounds = 10;

    /// <summary>Most bytes of each operation whose name begins so, from benchmarks/budgets.json, which lies beside the test.</summary>
    public static Dictionary<string, long> Budgets(string prefix)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "budgets.json")));
        return document.RootElement.EnumerateObject()
            .Where(property => property.Name.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(static property => property.Name, static property => property.Value.GetProperty("allocated_bytes_max").GetInt64());
    }

    /// <summary>
    /// Bytes that one call allocates, in the least of several batches of calls after a warm-up: an operation's own garbage is in each of them, a
    /// pool that the collector trimmed meanwhile, or code that the compiler has not come round to, only in some.
    /// </summary>
    /// <param name="operation">What is measured.</param>
    /// <param name="afterwards">Makes things ready for the next call; what it allocates does not count.</param>
    /// <exception cref="InvalidOperationException">A call returned false: it did not do what is measured.</exception>
    public static double LeastPerCall(Func<bool> operation, Action? afterwards = null)
    {
        var least = double.MaxValue;
        for (var batch = 0; batch <= Batches; batch++)
        {
            var isDone = true;
            var allocated = 0L;
            for (var i = 0; i < Rounds; i++)
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                isDone &= operation();
                allocated += GC.GetAllocatedBytesForCurrentThread() - before;
                afterwards?.Invoke();
            }
            if (!isDone) throw new InvalidOperationException("The measured operation failed.");
            // The first batch fills pools.
            if (batch > 0) least = Math.Min(least, allocated / (double)Rounds);
        }
        return least;
    }
}
