// Counts by reason: few reasons, each met again and again, and no way for anybody to invent more of them than there is room for.
namespace LokiGateway.Gateway.Account;

/// <summary>Thread-safe; a key that is known is found without a lock and without an allocation.</summary>
/// <param name="other">Takes the counts of keys that come when there are <paramref name="keysMax"/> others.</param>
/// <param name="keysMax">A few dozen at most: they are searched one by one.</param>
internal sealed class RecentCounts<TKey>(TKey other, int keysMax)
    where TKey : notnull
{
    private readonly Lock _growing = new();
    private KeyValuePair<TKey, RecentCount>[] _all = [];

    public IReadOnlyList<KeyValuePair<TKey, RecentCount>> All => Volatile.Read(ref _all);

    public void Add(TKey key, long count) => (Find(key) ?? Grow(key)).Add(count);

    public void Look(int slot)
    {
        foreach (KeyValuePair<TKey, RecentCount> one in Volatile.Read(ref _all)) one.Value.Look(slot);
    }

    private RecentCount? Find(TKey key)
    {
        foreach (KeyValuePair<TKey, RecentCount> one in Volatile.Read(ref _all))
        {
            if (EqualityComparer<TKey>.Default.Equals(one.Key, key)) return one.Value;
        }

        return null;
    }

    private RecentCount Grow(TKey key)
    {
        lock (_growing)
        {
            if (_all.Length >= keysMax) key = other;
            if (Find(key) is { } known) return known;
            var count = new RecentCount();
            Volatile.Write(ref _all, [.. _all, new(key, count)]);
            return count;
        }
    }
}
