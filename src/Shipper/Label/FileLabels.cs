using LokiGateway.Protocol.Labels;

namespace LokiGateway.Shipper.Label;

/// <summary>Labels of one file.</summary>
/// <param name="Whole">Labels without `stream`: of raw files, and what decides the lane.</param>
/// <param name="StreamLabel">The label that stdout and stderr are told apart by; null: none.</param>
internal sealed record FileLabels(LabelSet Whole, string? StreamLabel)
{
    /// <summary>Labels of the lines of one output of a container: stdout or stderr.</summary>
    public LabelSet With(string stream) => StreamLabel is null
        ? Whole
        : LabelResolver.Make(Whole.Pairs.Where(label => label.Key != StreamLabel).Append(new(StreamLabel, stream)));
}
