// Where the books of a tenant are found; tenants appear when the first of their files does.
using System.Collections.Concurrent;

namespace LokiGateway.Shipper.Account;

/// <summary>The books of all tenants. A tenant that was ever seen stays: its totals are part of the node's.</summary>
internal sealed class TenantAccounts
{
    private readonly ConcurrentDictionary<string, TenantAccount> _accounts = new();

    public TenantAccount Of(string tenant) => _accounts.GetOrAdd(tenant, static name => new TenantAccount(name));

    /// <summary>Every tenant that was ever seen, in no particular order.</summary>
    public IEnumerable<TenantAccount> All => _accounts.Values;

    /// <summary>Sums of consistent pictures: read = acked + rejected + in flight holds for them, too.</summary>
    public AccountSnapshot Total(Dictionary<string, long>? addRejectedTo = null)
    {
        AccountSnapshot total = default;
        foreach (TenantAccount account in _accounts.Values) total += account.Snapshot(addRejectedTo);
        return total;
    }
}
