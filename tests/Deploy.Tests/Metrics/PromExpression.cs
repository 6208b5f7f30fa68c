// PromQL as far as names and labels go. What an expression computes is promtool's business; here it is only asked which series it reads and which
// labels its result has.
namespace LokiGateway.Deploy.Tests.Metrics;

/// <summary>A node of a parsed expression.</summary>
internal abstract record PromExpression;

/// <summary>A number or a duration.</summary>
internal sealed record PromNumber : PromExpression;

/// <summary>A string, an argument of functions like label_replace.</summary>
internal sealed record PromText(string Value) : PromExpression;

/// <summary>name{label="value"}, with or without a range.</summary>
internal sealed record PromSelector(string Name, IReadOnlyList<PromMatcher> Matchers) : PromExpression;

/// <summary>label op "value".</summary>
internal sealed record PromMatcher(string Label, string Operator, string Value);

/// <summary>function(arguments).</summary>
internal sealed record PromCall(string Function, IReadOnlyList<PromExpression> Arguments) : PromExpression;

/// <summary>sum by (labels) (inner).</summary>
/// <param name="Operator">sum, max, …</param>
/// <param name="IsWithout">without instead of by.</param>
/// <param name="Grouping">Null: neither stands there.</param>
/// <param name="Arguments">The vector is the last one.</param>
internal sealed record PromAggregate(string Operator, bool IsWithout, IReadOnlyList<string>? Grouping, IReadOnlyList<PromExpression> Arguments) : PromExpression;

/// <summary>left op right.</summary>
/// <param name="Operator">+, and, &gt;, …</param>
/// <param name="Left">The left side.</param>
/// <param name="Right">The right side.</param>
/// <param name="IsOn">on instead of ignoring.</param>
/// <param name="Matching">Null: neither stands there.</param>
/// <param name="Group">group_left, group_right or null.</param>
/// <param name="Include">Labels that the many side takes over from the other.</param>
internal sealed record PromBinary(
    string Operator, PromExpression Left, PromExpression Right, bool IsOn, IReadOnlyList<string>? Matching, string? Group, IReadOnlyList<string> Include) : PromExpression;
