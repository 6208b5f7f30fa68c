// Reads PromQL into PromExpression by Prometheus's grammar and precedences. Every expression that is read here also goes through promtool, Prometheus's own
// parser: this one need not refuse what is wrong, but it must never pass over something without understanding it, and throws instead.
using System.Text;

namespace LokiGateway.Deploy.Tests.Metrics;

internal sealed class PromParser
{
    private static readonly HashSet<string> Aggregators =
        ["sum", "min", "max", "avg", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values"];

    // From the weakest to the strongest; ^ binds to the right.
    private static readonly string[][] Precedences =
        [["or"], ["and", "unless"], ["==", "!=", "<=", "<", ">=", ">"], ["+", "-"], ["*", "/", "%", "atan2"], ["^"]];

    private readonly string _text;
    private readonly List<(string Kind, string Text)> _tokens = [];
    private int _at;

    private PromParser(string text)
    {
        _text = text;
        Tokenize();
    }

    private (string Kind, string Text) Now => _at < _tokens.Count ? _tokens[_at] : ("end", "");

    public static PromExpression Parse(string text)
    {
        var parser = new PromParser(text);
        var expression = parser.Binary(0);
        return parser.Now.Kind == "end" ? expression : throw parser.Unexpected();
    }

    private PromExpression Binary(int level)
    {
        if (level == Precedences.Length) return Unary();
        var left = Binary(level + 1);
        while (Now.Kind is "op" or "word" && Precedences[level].Contains(Now.Text))
        {
            var op = Next().Text;
            if (Now is ("word", "bool")) Next();
            var isOn = Now is ("word", "on");
            IReadOnlyList<string>? matching = null;
            if (Now is ("word", "on") or ("word", "ignoring"))
            {
                Next();
                matching = Labels();
            }

            string? group = null;
            IReadOnlyList<string> include = [];
            if (Now is ("word", "group_left") or ("word", "group_right"))
            {
                group = Next().Text;
                if (Now.Text == "(") include = Labels();
            }

            var right = Binary(op == "^" ? level : level + 1);
            left = new PromBinary(op, left, right, isOn, matching, group, include);
        }

        return left;
    }

    private PromExpression Unary()
    {
        if (Now is not ("op", "-" or "+")) return Postfix(Primary());
        Next();
        return Binary(Precedences.Length - 1);
    }

    private PromExpression Postfix(PromExpression inner)
    {
        while (true)
        {
            if (Now.Text == "[")
            {
                // A range, or with a colon a subquery: neither changes names or labels.
                while (Next().Text != "]")
                {
                    if (Now.Kind == "end") throw Unexpected();
                }
            }
            else if (Now is ("word", "offset"))
            {
                Next();
                if (Now.Text == "-") Next();
                Expect("number");
            }
            else if (Now.Text == "@")
            {
                Next();
                if (Now.Kind == "number") Next();
                else if (Primary() is not PromCall { Function: "start" or "end" }) throw Unexpected();
            }
            else
            {
                return inner;
            }
        }
    }

    private PromExpression Primary()
    {
        switch (Now.Kind)
        {
            case "number":
                Next();
                return new PromNumber();
            case "text":
                return new PromText(Next().Text);
            case "open" when Now.Text == "(":
                Next();
                var inner = Binary(0);
                Expect("close", ")");
                return inner;
            case "open" when Now.Text == "{":
                var matchers = Matchers();
                return new PromSelector(NameIn(matchers), matchers);
            case "word":
                break;
            default:
                throw Unexpected();
        }

        var word = Next().Text;
        if (Aggregators.Contains(word) && (Now.Text == "(" || Now is ("word", "by") or ("word", "without"))) return Aggregate(word);
        if (word is "Inf" or "NaN" or "inf" or "nan") return new PromNumber();
        if (Now.Text == "(") return new PromCall(word, Arguments());
        return new PromSelector(word, Now.Text == "{" ? Matchers() : []);
    }

    private PromAggregate Aggregate(string op)
    {
        var (isWithout, grouping) = Grouping();
        var arguments = Arguments();
        if (grouping is null) (isWithout, grouping) = Grouping();
        return new PromAggregate(op, isWithout, grouping, arguments);
    }

    private (bool IsWithout, IReadOnlyList<string>? Labels) Grouping()
    {
        if (Now is not ("word", "by" or "without")) return (false, null);
        var isWithout = Next().Text == "without";
        return (isWithout, Labels());
    }

    private List<PromExpression> Arguments()
    {
        Expect("open", "(");
        List<PromExpression> arguments = [];
        while (Now.Text != ")")
        {
            arguments.Add(Binary(0));
            if (Now.Text == ",") Next();
            else if (Now.Text != ")") throw Unexpected();
        }

        Next();
        return arguments;
    }

    private List<string> Labels()
    {
        Expect("open", "(");
        List<string> labels = [];
        while (Now.Text != ")")
        {
            labels.Add(Expect("word"));
            if (Now.Text == ",") Next();
            else if (Now.Text != ")") throw Unexpected();
        }

        Next();
        return labels;
    }

    private List<PromMatcher> Matchers()
    {
        Expect("open", "{");
        List<PromMatcher> found = [];
        while (Now.Text != "}")
        {
            var label = Expect("word");
            var op = Next();
            if (op is not ("op", "=" or "!=" or "=~" or "!~")) throw Unexpected();
            found.Add(new PromMatcher(label, op.Text, Expect("text")));
            if (Now.Text == ",") Next();
            else if (Now.Text != "}") throw Unexpected();
        }

        Next();
        return found;
    }

    private string NameIn(List<PromMatcher> matchers) =>
        matchers.FirstOrDefault(static matcher => matcher is { Label: "__name__", Operator: "=" })?.Value
        ?? throw new FormatException($"a selector without a name cannot be checked: {_text}");

    private (string Kind, string Text) Next()
    {
        var token = Now;
        if (token.Kind == "end") throw Unexpected();
        _at++;
        return token;
    }

    private string Expect(string kind, string? text = null)
    {
        if (Now.Kind != kind || (text is not null && Now.Text != text)) throw Unexpected();
        return Next().Text;
    }

    private FormatException Unexpected() => new($"unexpected {(Now.Kind == "end" ? "end" : $"\"{Now.Text}\"")} in: {_text}");

    private void Tokenize()
    {
        for (var at = 0; at < _text.Length;)
        {
            var start = at;
            var c = _text[at];
            if (char.IsWhiteSpace(c))
            {
                at++;
                continue;
            }

            if (c == '#')
            {
                while (at < _text.Length && _text[at] != '\n') at++;
                continue;
            }

            if (c is '"' or '\'' or '`')
            {
                _tokens.Add(("text", Quoted(ref at)));
                continue;
            }

            if (char.IsAsciiDigit(c) || (c == '.' && at + 1 < _text.Length && char.IsAsciiDigit(_text[at + 1])))
            {
                // 1, 0.5, 1e-3, 0x1f, 5m30s: whatever letters follow belong to it.
                while (at < _text.Length && (char.IsAsciiLetterOrDigit(_text[at]) || _text[at] == '.' || (_text[at] is '+' or '-' && _text[at - 1] is 'e' or 'E'))) at++;
                _tokens.Add(("number", _text[start..at]));
                continue;
            }

            if (char.IsAsciiLetter(c) || c == '_')
            {
                while (at < _text.Length && (char.IsAsciiLetterOrDigit(_text[at]) || _text[at] is '_' || (_text[at] == ':' && IsInName(at)))) at++;
                _tokens.Add(("word", _text[start..at]));
                continue;
            }

            var two = at + 1 < _text.Length ? _text.Substring(at, 2) : "";
            if (two is "==" or "!=" or "<=" or ">=" or "=~" or "!~")
            {
                at += 2;
                _tokens.Add(("op", two));
                continue;
            }

            at++;
            _tokens.Add((c switch
            {
                '(' or '{' or '[' => "open",
                ')' or '}' or ']' => "close",
                '+' or '-' or '*' or '/' or '%' or '^' or '<' or '>' or '=' => "op",
                ',' or ':' or '@' => "mark",
                _ => throw new FormatException($"'{c}' at {start} is no PromQL: {_text}"),
            }, c.ToString()));
        }
    }

    /// <summary>A colon belongs to a recorded name, but in brackets it separates a subquery's steps.</summary>
    private bool IsInName(int at) => _text.LastIndexOf('[', at) <= _text.LastIndexOf(']', at);

    private string Quoted(ref int at)
    {
        var quote = _text[at++];
        var value = new StringBuilder();
        while (at < _text.Length && _text[at] != quote)
        {
            if (_text[at] == '\\' && quote != '`' && at + 1 < _text.Length) at++;
            value.Append(_text[at++]);
        }

        if (at == _text.Length) throw new FormatException($"a quote is not closed: {_text}");
        at++;
        return value.ToString();
    }
}
