// LogQL's main part by recursive descent: selectors, line filters, label filters on strings, drop, range and vector aggregations.
// Error texts follow Loki's yacc grammar: "unexpected X", and what was expected when that is at most four tokens.

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;

namespace LokiGateway.LocalLoki.LogQl;

internal sealed class LogQlParser
{
    // Loki's maxInputSize (pkg/logql/syntax/parser.go).
    private const int QueryLengthMax = 131_072;

    // Far above any real query; keeps hostile input such as 100,000 opening brackets from exhausting the stack.
    private const int DepthMax = 100;

    private const string NoSelectiveMatcher =
        "queries require at least one regexp or equality matcher that does not have an empty-compatible value. " +
        "For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will";

    private readonly Lexer lexer;
    private Token token;
    private int depth;

    private LogQlParser(string query)
    {
        lexer = new Lexer(query);
        token = lexer.Next();
    }

    /// <summary>A log or metric query. <paramref name="error"/> is the whole text for the client.</summary>
    public static bool TryParse(string query, [NotNullWhen(true)] out Expression? expression, [NotNullWhen(false)] out string? error)
    {
        expression = null;
        error = null;
        try
        {
            if (query.Length >= QueryLengthMax) throw new LogQlException($"input size too long ({query.Length} > {QueryLengthMax})");
            LogQlParser parser = new(query);
            Expression parsed = parser.ReadExpression();
            if (parser.token.Kind != TokenKind.End) throw parser.Unexpected();
            RequireSelectiveMatcher(parsed);
            expression = parsed;
            return true;
        }
        catch (LogQlException refused)
        {
            error = refused.Message;
            return false;
        }
        catch (RegexMatchTimeoutException)
        {
            error = "parse error : error parsing regexp: expression too large";
            return false;
        }
    }

    /// <summary>A bare selector, as in <c>match[]</c>; it may match everything.</summary>
    public static bool TryParseMatchers(string selector, [NotNullWhen(true)] out IReadOnlyList<LabelMatcher>? matchers, [NotNullWhen(false)] out string? error)
    {
        matchers = null;
        error = null;
        try
        {
            LogQlParser parser = new(selector);
            if (parser.ReadExpression() is not LogSelector { Stages.Count: 0 } parsed)
            {
                error = "only label matchers are supported";   // Loki's ErrParseMatchers
                return false;
            }
            if (parser.token.Kind != TokenKind.End) throw parser.Unexpected();
            matchers = parsed.Matchers;
            return true;
        }
        catch (LogQlException refused)
        {
            error = refused.Message;
            return false;
        }
    }

    private static void RequireSelectiveMatcher(Expression expression)
    {
        switch (expression)
        {
            case LogSelector selector when selector.Matchers.All(matcher => matcher.MatchesEmpty):
                throw new LogQlException(NoSelectiveMatcher);
            case RangeAggregation range:
                RequireSelectiveMatcher(range.Selector);
                break;
            case VectorAggregation vector:
                RequireSelectiveMatcher(vector.Inner);
                break;
        }
    }

    // expr: logExpr | metricExpr, with + - * / % ^ between constants only.
    private Expression ReadExpression(int precedence = 0)
    {
        if (++depth > DepthMax) throw new LogQlException($"query nested too deeply (limit: {DepthMax})");
        Expression left = ReadTerm();
        while (Precedence(token.Kind) is int next && next > precedence)
        {
            Token sign = token;
            Advance();
            Expression right = ReadExpression(sign.Kind == TokenKind.Power ? next - 1 : next);
            if (left is not Constant a || right is not Constant b) throw NotSupported(sign);
            left = new Constant(Calculate(sign.Kind, a.Value, b.Value), a.IsVector || b.IsVector);
        }
        depth--;
        return left;
    }

    private Expression ReadTerm()
    {
        switch (token.Kind)
        {
            case TokenKind.OpenBrace:
                return ReadSelector();
            case TokenKind.OpenParenthesis:
                Advance();
                Expression inner = ReadExpression();
                Expect(TokenKind.CloseParenthesis, null);
                return inner;
            case TokenKind.CountOverTime or TokenKind.Rate or TokenKind.BytesOverTime or TokenKind.BytesRate:
                return ReadRangeAggregation();
            case TokenKind.Sum or TokenKind.Min or TokenKind.Max or TokenKind.Avg or TokenKind.Count:
                return ReadVectorAggregation();
            case TokenKind.Vector:
                Advance();
                Expect(TokenKind.OpenParenthesis, "(");
                Constant value = ReadNumber(1, isVector: true);
                Expect(TokenKind.CloseParenthesis, ")");
                return value;
            case TokenKind.Add:
                Advance();
                return ReadNumber(1, isVector: false);
            case TokenKind.Subtract:
                Advance();
                return ReadNumber(-1, isVector: false);
            case TokenKind.Number:
                return ReadNumber(1, isVector: false);
            default:
                throw Unexpected();
        }
    }

    private Constant ReadNumber(int sign, bool isVector)
    {
        string text = Expect(TokenKind.Number, "NUMBER").Text;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            ? new Constant(sign * value, isVector)
            : throw new LogQlException($"unable to parse literal as a float: strconv.ParseFloat: parsing \"{text}\": invalid syntax");
    }

    // selector: { matcher, matcher } then pipeline stages.
    private LogSelector ReadSelector()
    {
        List<LabelMatcher> matchers = ReadMatchers();
        List<Stage> stages = [];
        while (TryReadStage(stages))
        {
        }
        return new LogSelector(matchers, stages);
    }

    private List<LabelMatcher> ReadMatchers()
    {
        Expect(TokenKind.OpenBrace, "{");
        List<LabelMatcher> matchers = [];
        if (token.Kind == TokenKind.CloseBrace)
        {
            Advance();
            return matchers;
        }
        string expectedFirst = "IDENTIFIER or }";
        while (true)
        {
            matchers.Add(ReadMatcher(expectedFirst, "= or =~ or !~ or !="));
            if (token.Kind == TokenKind.CloseBrace) break;
            Expect(TokenKind.Comma, "} or ,");
            expectedFirst = "IDENTIFIER";
        }
        Advance();
        return matchers;
    }

    private LabelMatcher ReadMatcher(string? expectedName, string? expectedSign)
    {
        string name = Expect(TokenKind.Identifier, expectedName).Text;
        LabelMatch type = token.Kind switch
        {
            TokenKind.Equal => LabelMatch.Equal,
            TokenKind.NotEqual => LabelMatch.NotEqual,
            TokenKind.MatchRegex => LabelMatch.Regex,
            TokenKind.NotMatchRegex => LabelMatch.NotRegex,
            _ => throw Unexpected(expectedSign),
        };
        Advance();
        if (expectedSign is null && token.Kind is TokenKind.Number or TokenKind.Bytes or TokenKind.Duration or TokenKind.Ip) throw NotSupported(token);
        return new LabelMatcher(name, type, Expect(TokenKind.String, "STRING").Text);
    }

    private bool TryReadStage(List<Stage> stages)
    {
        switch (token.Kind)
        {
            case TokenKind.PipeExact or TokenKind.PipeMatch or TokenKind.NotEqual or TokenKind.NotMatchRegex:
                stages.Add(ReadLineFilter());
                return true;
            case TokenKind.PipePattern or TokenKind.NotPattern:
                throw NotSupported(token);
            case TokenKind.Pipe:
                Advance();
                if (token.Kind == TokenKind.Drop) stages.Add(ReadDrop());
                else ReadLabelFilters(stages);
                return true;
            default:
                return false;
        }
    }

    private LineFilterStage ReadLineFilter()
    {
        bool isRegex = token.Kind is TokenKind.PipeMatch or TokenKind.NotMatchRegex;
        bool negated = token.Kind is TokenKind.NotEqual or TokenKind.NotMatchRegex;
        List<LinePattern> alternatives = [];
        do
        {
            Advance();
            if (token.Kind == TokenKind.Ip) throw NotSupported(token);
            string text = Expect(TokenKind.String, "STRING or ip").Text;
            alternatives.Add(isRegex ? LinePattern.Matching(text) : LinePattern.Containing(text));
        }
        while (token.Kind == TokenKind.Or);
        return new LineFilterStage(negated, alternatives);
    }

    private DropStage ReadDrop()
    {
        List<string> names = [];
        do
        {
            Advance();
            names.Add(Expect(TokenKind.Identifier, "IDENTIFIER").Text);
            if (token.Kind is TokenKind.Equal or TokenKind.NotEqual or TokenKind.MatchRegex or TokenKind.NotMatchRegex) throw NotSupported(token);
        }
        while (token.Kind == TokenKind.Comma);
        return new DropStage(names);
    }

    // | a="1", b=~"2" and c!="3": all must hold. (`or` between label filters is not spoken here.)
    private void ReadLabelFilters(List<Stage> stages)
    {
        stages.Add(new LabelFilterStage(ReadMatcher(null, null)));
        while (token.Kind is TokenKind.Comma or TokenKind.And)
        {
            Advance();
            stages.Add(new LabelFilterStage(ReadMatcher(null, null)));
        }
        if (token.Kind == TokenKind.Or) throw NotSupported(token);
    }

    // rate({…} |= "x" [5m] offset 1h); the range may also stand before the filters, and brackets may surround the inside.
    private RangeAggregation ReadRangeAggregation()
    {
        RangeOperation operation = token.Kind switch
        {
            TokenKind.CountOverTime => RangeOperation.CountOverTime,
            TokenKind.Rate => RangeOperation.Rate,
            TokenKind.BytesOverTime => RangeOperation.BytesOverTime,
            _ => RangeOperation.BytesRate,
        };
        string name = token.Text.ToLowerInvariant();
        Advance();
        Expect(TokenKind.OpenParenthesis, "(");
        if (token.Kind == TokenKind.Number) throw new LogQlException($"parameter {token.Text} not supported for operation {name}");
        if (token.Kind is not (TokenKind.OpenBrace or TokenKind.OpenParenthesis)) throw Unexpected("NUMBER or { or (");
        RangeAggregation range = ReadLogRange(operation);
        Expect(TokenKind.CloseParenthesis, ")");
        if (token.Kind is TokenKind.By or TokenKind.Without) throw new LogQlException($"grouping not allowed for {name} aggregation");
        return range;
    }

    private RangeAggregation ReadLogRange(RangeOperation operation)
    {
        if (++depth > DepthMax) throw new LogQlException($"query nested too deeply (limit: {DepthMax})");
        long range = 0;
        LogSelector selector;
        if (token.Kind == TokenKind.OpenParenthesis)
        {
            Advance();
            if (token.Kind == TokenKind.OpenParenthesis)
            {
                RangeAggregation nested = ReadLogRange(operation);
                Expect(TokenKind.CloseParenthesis, ")");
                depth--;
                return nested;
            }
            selector = ReadSelector();
            if (token.Kind == TokenKind.Range)
            {
                range = ReadRange();
                selector = WithStagesAfterRange(selector, out long insideOffset);
                Expect(TokenKind.CloseParenthesis, ")");
                depth--;
                return new RangeAggregation(operation, selector, range, insideOffset);
            }
            Expect(TokenKind.CloseParenthesis, null);
            range = ReadRange();
        }
        else
        {
            selector = ReadSelector();
            range = ReadRange();
        }
        selector = WithStagesAfterRange(selector, out long offset);
        depth--;
        return new RangeAggregation(operation, selector, range, offset);
    }

    private long ReadRange()
    {
        Token range = Expect(TokenKind.Range, null);
        return range.Nanos > 0 ? range.Nanos : throw new LogQlException("empty duration string", range.Line, range.Column);
    }

    private LogSelector WithStagesAfterRange(LogSelector selector, out long offset)
    {
        offset = 0;
        if (token.Kind == TokenKind.Offset)
        {
            Advance();
            int sign = 1;
            if (token.Kind == TokenKind.Subtract)
            {
                sign = -1;
                Advance();
            }
            offset = sign * Expect(TokenKind.Duration, "DURATION").Nanos;
        }
        if (selector.Stages.Count > 0) return selector;
        List<Stage> stages = [];
        while (TryReadStage(stages))
        {
        }
        return selector with { Stages = stages };
    }

    // sum(x), sum by (a) (x), sum(x) by (a)
    private VectorAggregation ReadVectorAggregation()
    {
        VectorOperation operation = token.Kind switch
        {
            TokenKind.Sum => VectorOperation.Sum,
            TokenKind.Min => VectorOperation.Min,
            TokenKind.Max => VectorOperation.Max,
            TokenKind.Avg => VectorOperation.Avg,
            _ => VectorOperation.Count,
        };
        string name = token.Text.ToLowerInvariant();
        Advance();
        Grouping? grouping = token.Kind is TokenKind.By or TokenKind.Without ? ReadGrouping() : null;
        Expect(TokenKind.OpenParenthesis, "(");
        Token first = token;
        Expression inner = ReadExpression();
        if (inner is Constant && token.Kind == TokenKind.Comma) throw new LogQlException($"unsupported parameter for operation {name}({first.Text},");
        if (inner is LogSelector) throw Unexpected();   // a log query cannot be added up: its closing bracket is where a range was due
        Expect(TokenKind.CloseParenthesis, null);
        if (inner is Constant) throw NotSupported(first);
        if (grouping is null && token.Kind is TokenKind.By or TokenKind.Without) grouping = ReadGrouping();
        return new VectorAggregation(operation, grouping, inner);
    }

    private Grouping ReadGrouping()
    {
        bool without = token.Kind == TokenKind.Without;
        Advance();
        Expect(TokenKind.OpenParenthesis, "(");
        List<string> names = [];
        if (token.Kind == TokenKind.CloseParenthesis)
        {
            Advance();
            return new Grouping(without, names);
        }
        string expected = "IDENTIFIER or )";
        while (true)
        {
            names.Add(Expect(TokenKind.Identifier, expected).Text);
            if (token.Kind == TokenKind.CloseParenthesis) break;
            Expect(TokenKind.Comma, ", or )");
            expected = "IDENTIFIER";
        }
        Advance();
        return new Grouping(without, names);
    }

    private static int? Precedence(TokenKind kind) => kind switch
    {
        TokenKind.Add or TokenKind.Subtract => 1,
        TokenKind.Multiply or TokenKind.Divide or TokenKind.Modulo => 2,
        TokenKind.Power => 3,
        _ => null,
    };

    private static double Calculate(TokenKind sign, double a, double b) => sign switch
    {
        TokenKind.Add => a + b,
        TokenKind.Subtract => a - b,
        TokenKind.Multiply => a * b,
        TokenKind.Divide => b == 0 ? double.NaN : a / b,     // Loki answers NaN for both, not infinity
        TokenKind.Modulo => b == 0 ? double.NaN : a % b,
        _ => Math.Pow(a, b),
    };

    private Token Expect(TokenKind kind, string? expected)
    {
        Token found = token;
        if (found.Kind != kind) throw Unexpected(expected);
        Advance();
        return found;
    }

    private void Advance() => token = lexer.Next();

    private LogQlException Unexpected(string? expected = null) => token.Kind == TokenKind.Unsupported
        ? NotSupported(token)
        : new LogQlException($"syntax error: unexpected {token.Name}{(expected is null ? "" : ", expecting " + expected)}", token.Line, token.Column);

    // Right in Loki, not spoken here: Loki's form of the text, and the truth about whose limit it is.
    private static LogQlException NotSupported(Token token) =>
        new($"syntax error: unexpected {token.Name} (Loki knows it, local-loki does not)", token.Line, token.Column);
}
