using System.Collections.Concurrent;
using LokiGateway.Protocol.Completeness;

namespace LokiGateway.Shipper.Account;

/// <summary>The ledgers of all tenants. Any thread.</summary>
/// <param name="epoch">Start of the shipper, Unix milliseconds.</param>
/// <param name="time">Decides when a minute is over.</param>
internal sealed class Ledger(long epoch, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, TenantLedger> _tenants = new(StringComparer.Ordinal);

    public IEnumerable<TenantLedger> Tenants => _tenants.Values;

    /// <summary>Records that are not delivered yet.</summary>
    public long Pending => _tenants.Values.Sum(static tenant => (long)tenant.Count);

    /// <summary>Lines that are in no record because there were too many of these.</summary>
    public long DroppedLines => _tenants.Values.Sum(static tenant => tenant.DroppedLines);

    public TenantLedger Of(string tenant) => _tenants.GetOrAdd(tenant, static (name, self) => new TenantLedger(name, self.epoch, self.time), (epoch, time));

    public void Lost(LossRecord loss) => Of(loss.Tenant).Lost(loss);

    public void Restore(string tenant, LedgerRecord record) => Of(tenant).Restore(record);
}
