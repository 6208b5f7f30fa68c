using LokiGateway.Protocol.Labels;

namespace LokiGateway.Shipper.Label;

/// <summary>Labels and tenant of one file.</summary>
/// <param name="Whole">Labels without `stream`: of raw files, and what decides the lane.</param>
/// <param name="Tenant">Empty: no X-Scope-OrgID is sent.</param>
internal sealed record FileLabels(LabelSet Whole, string Tenant)
{
    /// <summary>Labels of the lines of one output of a container: stdout or stderr.</summary>
    public LabelSet With(string stream) => LabelResolver.Make(Whole.Pairs.Append(new KeyValuePair<string, string>("stream", stream)));
}
