namespace LokiGateway.Shipper.Frame;

/// <summary>One item of `redact`: what must not leave the node, and what stands in its place.</summary>
/// <param name="Pattern">An RE2 pattern.</param>
/// <param name="Replacement">A text; `$1` or `${name}` is what a group of the pattern matched, `$$` a dollar sign.</param>
public sealed record RedactionRule(string Pattern, string Replacement);
