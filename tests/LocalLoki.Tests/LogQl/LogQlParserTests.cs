// Texts that people read in Grafana when a query is wrong, as Loki 3.2 words them, and the limits of what this subset takes.
using FsCheck.Xunit;
using LokiGateway.LocalLoki.LogQl;

namespace LokiGateway.LocalLoki.Tests.LogQl;

public sealed class LogQlParserTests
{
    [Theory]
    [InlineData("""{foo="bar}""", "parse error at line 1, col 6: literal not terminated")]
    [InlineData("""{foo="bar" """, "parse error at line 1, col 12: syntax error: unexpected $end, expecting } or ,")]
    [InlineData("""{foo="bar"} |~""", "parse error at line 1, col 15: syntax error: unexpected $end, expecting STRING or ip")]
    [InlineData("""{foo="bar"} "foo" """, "parse error at line 1, col 13: syntax error: unexpected STRING")]
    [InlineData("""{foo="bar"} foo""", "parse error at line 1, col 13: syntax error: unexpected IDENTIFIER")]
    [InlineData("""{foo}""", "parse error at line 1, col 5: syntax error: unexpected }, expecting = or =~ or !~ or !=")]
    [InlineData("""{foo=bar}""", "parse error at line 1, col 6: syntax error: unexpected IDENTIFIER, expecting STRING")]
    [InlineData("""{foo="a",}""", "parse error at line 1, col 10: syntax error: unexpected }, expecting IDENTIFIER")]
    [InlineData("""{1="a"}""", "parse error at line 1, col 2: syntax error: unexpected NUMBER, expecting IDENTIFIER or }")]
    [InlineData("", "parse error at line 1, col 1: syntax error: unexpected $end")]
    [InlineData("""unk({ foo = "bar" }[5m])""", "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER")]
    [InlineData("""rate({ foo = "bar" }[5minutes])""", "parse error at line 0, col 21: not a valid duration string: \"5minutes\"")]
    [InlineData("""rate({ foo = "bar" }[5)""", "parse error at line 0, col 21: missing closing ']' in duration")]
    [InlineData("""min({ foo = "bar" }[5m])""", "parse error at line 0, col 20: syntax error: unexpected RANGE")]
    [InlineData("""rate({ foo = "bar" })""", "parse error at line 1, col 21: syntax error: unexpected )")]
    [InlineData("""count without (rate({namespace="apps"}[15s]))""", "parse error at line 1, col 16: syntax error: unexpected RATE, expecting IDENTIFIER or )")]
    [InlineData("vector(abc)", "parse error at line 1, col 8: syntax error: unexpected IDENTIFIER, expecting NUMBER")]
    [InlineData("""{app="a"} |= "\d" """, "parse error at line 1, col 14: invalid char escape")]
    [InlineData("{a=\"b\"}\n  |= x", "parse error at line 2, col 6: syntax error: unexpected IDENTIFIER, expecting STRING or ip")]
    [InlineData("""sum(3 ,count_over_time({ foo = "bar" }[5h]))""", "parse error : unsupported parameter for operation sum(3,")]
    [InlineData("""rate({a="b"}[5m]) by (a)""", "parse error : grouping not allowed for rate aggregation")]
    [InlineData("""{a="b"} | json""", "parse error at line 1, col 11: syntax error: unexpected json (Loki knows it, local-loki does not)")]
    [InlineData("""topk(3, rate({a="b"}[5m]))""", "parse error at line 1, col 1: syntax error: unexpected TOPK (Loki knows it, local-loki does not)")]
    [InlineData("""rate({a="b"}[5m]) / rate({a="b"}[5m])""", "parse error at line 1, col 19: syntax error: unexpected / (Loki knows it, local-loki does not)")]
    public void AWrongQuery_IsRefusedInLokisWords(string query, string expected)
    {
        Assert.False(LogQlParser.TryParse(query, out _, out string? error));
        Assert.Equal(expected, error);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{foo!="bar"}""")]
    [InlineData("""{app=~".*"}""")]
    [InlineData("""count_over_time({foo!~"bar|baz"}[5m])""")]
    public void ASelectorThatMatchesEverything_IsRefused(string query)
    {
        Assert.False(LogQlParser.TryParse(query, out _, out string? error));
        Assert.StartsWith(
            "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value.", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{foo="bar"}""")]
    [InlineData("""{ foo = "bar", baz =~ `a\d+` , x!="y"} |= "a" != "b" |~ "c" !~ "d" """)]
    [InlineData("""{foo="bar"} # a comment""")]
    [InlineData("""sum by (a, b) (rate({foo="bar"} |= "x" [1h30m]))""")]
    [InlineData("""sum(count_over_time({foo="bar"}[5m] |= "x")) without ()""")]
    [InlineData("""max(sum by (a) (bytes_rate(({foo="bar"} |= "x")[5m] offset 1h)))""")]
    [InlineData("""sum by (level, detected_level) (count_over_time({foo="bar"} | drop __error__[1m]))""")]
    [InlineData("""{foo="bar"} | trace_id="abc", user=~"x.*" |= "y" """)]
    [InlineData("""{rate="a", by_x="b", count="c"}""")]
    [InlineData("vector(1)+vector(1)")]
    [InlineData("(1 + 2) * -3")]
    public void ARightQuery_IsTaken(string query)
    {
        Assert.True(LogQlParser.TryParse(query, out _, out string? error), error);
    }

    [Theory]
    [InlineData("(")]
    [InlineData("sum(")]
    [InlineData("rate((((")]
    [InlineData("1^")]
    public void ADeeplyNestedQuery_IsRefusedInsteadOfExhaustingTheStack(string opening)
    {
        Assert.False(LogQlParser.TryParse(string.Concat(Enumerable.Repeat(opening, 15_000)), out _, out string? error));
        Assert.StartsWith("parse error", error, StringComparison.Ordinal);
    }

    [Property(MaxTest = 500)]
    public void AnyText_IsParsedOrRefused_AndNothingElse(string? text, int choice)
    {
        string[] beginnings = ["", "{a=\"b\"} ", "sum(", "{a=~\"", "rate({a=\"b\"}["];
        bool parsed = LogQlParser.TryParse(beginnings[(int)((uint)choice % beginnings.Length)] + text, out Expression? expression, out string? error);
        Assert.Equal(parsed, expression is not null);
        Assert.Equal(parsed, error is null);
    }

    [Theory]
    [InlineData("a|b", "ab", false)]
    [InlineData("a|b", "b", true)]
    [InlineData("a.c", "a\nc", true)]
    [InlineData("a", "a\n", false)]
    [InlineData(@"\d+", "\u0661", false)]
    [InlineData(@"\d+", "12", true)]
    [InlineData("[[:alpha:]]+", "abc", true)]
    [InlineData("[[:alpha:]]+", "a1", false)]
    [InlineData("(?P<n>x)y", "xy", true)]
    [InlineData(@"\Qa.b\E+", "a.bbb", true)]
    [InlineData("[]a]+", "]a", true)]
    [InlineData("(?i)ABC", "abc", true)]
    public void ALabelPattern_IsRe2_AnchoredAtBothEnds(string pattern, string value, bool matches) =>
        Assert.Equal(matches, new LabelMatcher("x", LabelMatch.Regex, pattern).Matches(value));

    [Theory]
    [InlineData("a)(b")]
    [InlineData("(")]
    [InlineData("*")]
    [InlineData("(?=x)")]
    [InlineData(@"(a)\1")]
    public void APatternThatIsNotRe2_IsRefused(string pattern) =>
        Assert.StartsWith("parse error : error parsing regexp: ",
            Assert.Throws<LogQlException>(() => new LabelMatcher("x", LabelMatch.Regex, pattern)).Message, StringComparison.Ordinal);
}
