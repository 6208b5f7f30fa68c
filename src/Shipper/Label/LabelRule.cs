namespace LokiGateway.Shipper.Label;

/// <summary>What a rule does with the labels that the rules before it left.</summary>
public enum LabelAction
{
    /// <summary>Only these names stay.</summary>
    Keep,

    /// <summary>These names go.</summary>
    Drop,

    /// <summary>A label gets another name; one that has that name already is replaced.</summary>
    Rename,

    /// <summary>A label gets a fixed value, whether it was there or not.</summary>
    Static,
}

/// <summary>One item of `label_rules`. Exactly one of the two members is used, by <see cref="Action"/>.</summary>
public sealed record LabelRule(LabelAction Action)
{
    /// <summary>Of Keep and Drop: names, or globs of names.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Of Rename: old name to new name. Of Static: name to value.</summary>
    public IReadOnlyDictionary<string, string> Pairs { get; init; } = new Dictionary<string, string>();
}
