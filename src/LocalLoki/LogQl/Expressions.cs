// What a parsed query says. Plain values without behaviour beyond matching: who runs them is Query's business.

namespace LokiGateway.LocalLoki.LogQl;

internal abstract record Expression;

/// <summary><c>{app="a"} |= "x"</c>: which streams, and what each entry must then pass, in this order.</summary>
internal sealed record LogSelector(IReadOnlyList<LabelMatcher> Matchers, IReadOnlyList<Stage> Stages) : Expression;

internal enum RangeOperation { CountOverTime, Rate, BytesOverTime, BytesRate }

/// <summary><c>rate({…}[5m] offset 1h)</c>.</summary>
internal sealed record RangeAggregation(RangeOperation Operation, LogSelector Selector, long RangeNanos, long OffsetNanos) : Expression;

internal enum VectorOperation { Sum, Min, Max, Avg, Count }

/// <summary><c>by (a, b)</c> or <c>without (a, b)</c>.</summary>
internal sealed record Grouping(bool Without, IReadOnlyList<string> Names);

internal sealed record VectorAggregation(VectorOperation Operation, Grouping? Grouping, Expression Inner) : Expression;

/// <summary>A number: <c>1</c>, <c>vector(1)</c>, or arithmetic of such. Grafana's connection test asks <c>vector(1)+vector(1)</c>.</summary>
/// <param name="Value">Its value.</param>
/// <param name="IsVector">One sample without labels rather than a scalar.</param>
internal sealed record Constant(double Value, bool IsVector) : Expression;

/// <summary>One step of a log pipeline.</summary>
internal abstract record Stage;

/// <summary><c>|= "a" or "b"</c>: passes when any alternative is found; the negated forms when none is.</summary>
internal sealed record LineFilterStage(bool Negated, IReadOnlyList<LinePattern> Alternatives) : Stage;

/// <summary><c>| name = "value"</c> over stream labels and structured metadata.</summary>
internal sealed record LabelFilterStage(LabelMatcher Matcher) : Stage;

/// <summary><c>| drop a, b</c>.</summary>
internal sealed record DropStage(IReadOnlyList<string> Names) : Stage;
