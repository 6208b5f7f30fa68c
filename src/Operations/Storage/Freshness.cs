namespace LokiGateway.Operations.Storage;

internal enum FreshnessVerdict
{
    Fresh,

    /// <summary>The newest object is older than allowed.</summary>
    Stale,

    /// <summary>There is no object of Loki's, or the look was cut short before a fresh one was found.</summary>
    Unknown,
}

/// <summary>What can be said of one prefix.</summary>
/// <param name="Tenant">Its tenant, or "index".</param>
/// <param name="Verdict">The result.</param>
/// <param name="Newest">Time of the newest object; null: none was seen.</param>
/// <param name="Age">How old it is.</param>
/// <param name="Why">Of an unknown one: why.</param>
internal sealed record Freshness(string Tenant, FreshnessVerdict Verdict, DateTime? Newest, TimeSpan? Age, string? Why = null)
{
    /// <summary>Exactly: an object that is as old as allowed is fresh.</summary>
    /// <param name="prefix">What was seen.</param>
    /// <param name="isWhole">Everything below it was listed, now or in the last listing, or what may be newer was.</param>
    /// <param name="now">The moment of judging.</param>
    /// <param name="maxAge">Allowed age.</param>
    public static Freshness Judge(PrefixState prefix, bool isWhole, DateTime now, TimeSpan maxAge)
    {
        if (prefix.Newest is not { } newest)
        {
            return new Freshness(prefix.Name, FreshnessVerdict.Unknown, null, null,
                prefix.OtherObjects + prefix.CountingOther > 0 ? "there are objects, but none with a name that Loki gives" : "there is no object");
        }
        TimeSpan age = now - newest;
        if (age <= maxAge) return new Freshness(prefix.Name, FreshnessVerdict.Fresh, newest, age);
        return isWhole
            ? new Freshness(prefix.Name, FreshnessVerdict.Stale, newest, age)
            : new Freshness(prefix.Name, FreshnessVerdict.Unknown, newest, age, "the listing was cut short (--pages) before a newer object was found; the next look goes on");
    }
}
