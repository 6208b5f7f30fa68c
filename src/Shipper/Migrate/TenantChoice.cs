namespace LokiGateway.Shipper.Migrate;

/// <summary>
/// Where the tenant comes from. Promtail decides per entry, in the stages of each scrape config; the shipper once for all, by a label. A tenant that one source
/// has of its own becomes such a label, which is dropped from the stream again.
/// </summary>
internal sealed class TenantChoice
{
    private const string OwnLabel = "tenant_of_source";

    /// <summary>Null: everything goes to endpoint.tenant_id.</summary>
    public string? Label { get; private set; }

    /// <summary>What stands in the way, or null.</summary>
    public string? UseLabel(string label)
    {
        if (Label is { } other && other != label) return $"the tenant is taken from one label for all sources, and that is {other} already";
        Label = label;
        return null;
    }

    /// <summary>What stands in the way, or null.</summary>
    public string? Fix(ConvertedSource source, string tenant)
    {
        if (UseLabel(Label ?? OwnLabel) is { } trouble) return trouble;
        source.Rules.Add(new ConvertedRule("static", [KeyValuePair.Create(Label!, tenant)]));
        if (Label == OwnLabel) source.Rules.Add(new ConvertedRule("drop", [KeyValuePair.Create(OwnLabel, "")]));
        return null;
    }
}
