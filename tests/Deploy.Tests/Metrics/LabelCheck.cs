// Which labels does the result of an expression have? Worked out from the metrics upwards, as a type checker does, so that a misspelt name, a label that
// its metric does not have, or one that an aggregation has taken away (and that a summary would print as nothing) is an error with its place.
namespace LokiGateway.Deploy.Tests.Metrics;

internal sealed class LabelCheck(MetricContract contract)
{
    private static readonly HashSet<string> SetOperators = ["and", "or", "unless"];

    // Functions whose result has the labels of their vector.
    private static readonly HashSet<string> KeepLabels =
    [
        "abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "sort", "sort_desc", "timestamp", "rate", "irate", "increase", "delta", "idelta", "deriv",
        "changes", "resets", "predict_linear", "avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time", "quantile_over_time",
        "last_over_time", "stddev_over_time", "present_over_time", "sgn", "ln", "log2", "log10", "sqrt", "exp",
    ];

    private readonly List<string> _errors = [];

    /// <summary>What is wrong with the expression, and the labels that its result has; null: a number.</summary>
    public static (IReadOnlyList<string> Errors, IReadOnlySet<string>? Labels) Of(string expression, MetricContract contract)
    {
        var check = new LabelCheck(contract);
        var labels = check.Labels(PromParser.Parse(expression));
        return (check._errors, labels);
    }

    /// <summary>Everything that an expression reads.</summary>
    public static IEnumerable<PromSelector> SelectorsOf(PromExpression expression) => expression switch
    {
        PromSelector selector => [selector],
        PromCall call => call.Arguments.SelectMany(SelectorsOf),
        PromAggregate aggregate => aggregate.Arguments.SelectMany(SelectorsOf),
        PromBinary binary => SelectorsOf(binary.Left).Concat(SelectorsOf(binary.Right)),
        _ => [],
    };

    private HashSet<string>? Labels(PromExpression expression) => expression switch
    {
        PromNumber or PromText => null,
        PromSelector selector => Selected(selector),
        PromCall call => Called(call),
        PromAggregate aggregate => Aggregated(aggregate),
        PromBinary binary => Joined(binary),
        _ => throw new ArgumentOutOfRangeException(nameof(expression), expression, null),
    };

    private HashSet<string> Selected(PromSelector selector)
    {
        if (contract.LabelsOf(selector.Name) is not { } labels)
        {
            _errors.Add($"no program serves {selector.Name}{Hint(selector.Name, contract.Names)}");
            return [.. MetricContract.TargetLabels];
        }

        Need(selector.Matchers.Select(static matcher => matcher.Label).Where(static label => label != "__name__"), labels, selector.Name);
        return [.. labels];
    }

    private HashSet<string>? Called(PromCall call)
    {
        var arguments = call.Arguments.Select(Labels).ToList();
        var vector = arguments.FirstOrDefault(static one => one is not null);
        switch (call.Function)
        {
            case "time" or "pi" or "scalar" or "start" or "end":
                return null;
            case "vector":
                return [];
            case "absent" or "absent_over_time":
                // Labels come from equalities of a plain selector, and of nothing else.
                return call.Arguments[0] is PromSelector plain ? [.. plain.Matchers.Where(static matcher => matcher.Operator == "=").Select(static matcher => matcher.Label)] : [];
            case "histogram_quantile":
                Need(["le"], vector ?? [], "histogram_quantile");
                return [.. (vector ?? []).Where(static label => label != "le")];
            case "label_replace":
                if (Text(call, 3) is { Length: > 0 } source) Need([source], vector ?? [], "label_replace");
                return [.. vector ?? [], Text(call, 1)];
            case "label_join":
                Need(Enumerable.Range(3, call.Arguments.Count - 3).Select(at => Text(call, at)), vector ?? [], "label_join");
                return [.. vector ?? [], Text(call, 1)];
            case var name when KeepLabels.Contains(name):
                if (vector is null) _errors.Add($"{name}() of no vector");
                return vector ?? [];
            default:
                _errors.Add($"this test does not know the function {call.Function}(): add it to {nameof(LabelCheck)}");
                return vector;
        }
    }

    private HashSet<string> Aggregated(PromAggregate aggregate)
    {
        var inner = aggregate.Arguments.Select(Labels).LastOrDefault(static labels => labels is not null) ?? [];
        Need(aggregate.Grouping ?? [], inner, $"{aggregate.Operator} {(aggregate.IsWithout ? "without" : "by")}");
        if (aggregate.Operator is "topk" or "bottomk") return inner;
        HashSet<string> result = aggregate switch
        {
            { Grouping: null } => [],
            { IsWithout: true } => [.. inner.Except(aggregate.Grouping)],
            _ => [.. aggregate.Grouping],
        };
        if (aggregate.Operator == "count_values") result.Add(((PromText)aggregate.Arguments[0]).Value);
        return result;
    }

    private HashSet<string>? Joined(PromBinary binary)
    {
        var (left, right) = (Labels(binary.Left), Labels(binary.Right));
        if (left is null || right is null) return left ?? right;
        if (binary.Operator == "or")
        {
            // Either side's series may be the result: only what both have can be relied on.
            Need(binary.Matching ?? [], left, "or, left side");
            Need(binary.Matching ?? [], right, "or, right side");
            return [.. left.Intersect(right)];
        }

        if (binary.Matching is null)
        {
            if (!left.SetEquals(right))
                _errors.Add($"{binary.Operator} never matches: left has ({Listed(left.Except(right))}) and right has ({Listed(right.Except(left))}) alone; say on or ignoring");
        }
        else
        {
            Need(binary.Matching, left, $"{binary.Operator} {(binary.IsOn ? "on" : "ignoring")}, left side");
            if (binary.IsOn) Need(binary.Matching, right, $"{binary.Operator} on, right side");
        }

        if (SetOperators.Contains(binary.Operator)) return left;
        var (many, one) = binary.Group == "group_right" ? (right, left) : (left, right);
        Need(binary.Include, one, binary.Group ?? "");
        if (binary.Group is not null) return [.. many, .. binary.Include];
        return binary switch
        {
            { Matching: null } => left,
            { IsOn: true } => [.. binary.Matching],
            _ => [.. left.Except(binary.Matching)],
        };
    }

    private void Need(IEnumerable<string> wanted, IEnumerable<string> there, string where)
    {
        var known = there.ToHashSet();
        foreach (var label in wanted.Where(label => !known.Contains(label)))
            _errors.Add($"{where}: there is no label {label}{Hint(label, known)}");
    }

    private static string Text(PromCall call, int at) => ((PromText)call.Arguments[at]).Value;

    private static string Listed(IEnumerable<string> labels) => string.Join(", ", labels.Order(StringComparer.Ordinal));

    private static string Hint(string word, IEnumerable<string> known)
    {
        var near = known.Select(name => (Name: name, Distance: Distance(word, name))).Where(one => one.Distance <= Math.Max(2, word.Length / 6))
            .OrderBy(static one => one.Distance).ThenBy(static one => one.Name, StringComparer.Ordinal).FirstOrDefault();
        return near.Name is null ? "" : $"; did you mean {near.Name}?";
    }

    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
