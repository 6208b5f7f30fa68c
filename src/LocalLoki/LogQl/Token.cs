// The words of LogQL as Loki's lexer knows them. Error texts name tokens ("unexpected IDENTIFIER, expecting STRING"), so a token carries
// Loki's own name; what this subset does not understand is still recognised, to be refused by its right name.

namespace LokiGateway.LocalLoki.LogQl;

internal enum TokenKind
{
    End, Identifier, String, Number, Bytes, Duration, Range, ParserFlag,
    OpenBrace, CloseBrace, Comma, Dot, OpenParenthesis, CloseParenthesis, OpenBracket, CloseBracket,
    Equal, NotEqual, MatchRegex, NotMatchRegex, NotPattern,
    PipeExact, PipeMatch, PipePattern, Pipe,
    Add, Subtract, Multiply, Divide, Modulo, Power,
    By, Without, Or, And, Ip, Drop, Offset,
    CountOverTime, Rate, BytesOverTime, BytesRate, Vector,
    Sum, Min, Max, Avg, Count,
    /// <summary>A word of Loki's language that this subset does not speak: <see cref="Token.Name"/> says which.</summary>
    Unsupported,
}

/// <param name="Kind">What it is.</param>
/// <param name="Name">Loki's name of it in error texts, e.g. <c>IDENTIFIER</c>, <c>|=</c>, <c>$end</c>.</param>
/// <param name="Text">Its value: the unquoted string, the identifier, the digits.</param>
/// <param name="Nanos">Length of a <see cref="TokenKind.Duration"/> or <see cref="TokenKind.Range"/>.</param>
/// <param name="Line">Line from 1; 0 where Loki's scanner has read past the token start (two-sign operators, ranges), as its texts show.</param>
/// <param name="Column">Column from 1, in characters.</param>
internal readonly record struct Token(TokenKind Kind, string Name, string Text, long Nanos, int Line, int Column);

internal static class Tokens
{
    // Words and functions of Loki 3.2's language that this subset does not speak.
    private static readonly HashSet<string> OtherWords = new((
        "== > >= < <= unless bool on ignoring group_left group_right unwrap json regexp logfmt unpack pattern label_format line_format " +
        "decolorize keep label_replace").Split(' '), StringComparer.Ordinal);

    private static readonly HashSet<string> OtherFunctions = new((
        "rate_counter avg_over_time sum_over_time min_over_time max_over_time stdvar_over_time stddev_over_time quantile_over_time " +
        "first_over_time last_over_time absent_over_time stddev stdvar bottomk topk sort sort_desc label_replace bytes duration " +
        "duration_seconds").Split(' '), StringComparer.Ordinal);

    // Signs and words with a meaning anywhere.
    private static readonly Dictionary<string, TokenKind> Words = new(StringComparer.Ordinal)
    {
        [","] = TokenKind.Comma,
        ["."] = TokenKind.Dot,
        ["{"] = TokenKind.OpenBrace,
        ["}"] = TokenKind.CloseBrace,
        ["="] = TokenKind.Equal,
        ["!="] = TokenKind.NotEqual,
        ["=~"] = TokenKind.MatchRegex,
        ["!~"] = TokenKind.NotMatchRegex,
        ["!>"] = TokenKind.NotPattern,
        ["|="] = TokenKind.PipeExact,
        ["|~"] = TokenKind.PipeMatch,
        ["|>"] = TokenKind.PipePattern,
        ["|"] = TokenKind.Pipe,
        ["("] = TokenKind.OpenParenthesis,
        [")"] = TokenKind.CloseParenthesis,
        ["["] = TokenKind.OpenBracket,
        ["]"] = TokenKind.CloseBracket,
        ["by"] = TokenKind.By,
        ["without"] = TokenKind.Without,
        ["or"] = TokenKind.Or,
        ["and"] = TokenKind.And,
        ["ip"] = TokenKind.Ip,
        ["drop"] = TokenKind.Drop,
        ["offset"] = TokenKind.Offset,
        ["+"] = TokenKind.Add,
        ["-"] = TokenKind.Subtract,
        ["*"] = TokenKind.Multiply,
        ["/"] = TokenKind.Divide,
        ["%"] = TokenKind.Modulo,
        ["^"] = TokenKind.Power,
    };

    // Words that mean a function only when a parenthesis, or `by (` or `without (`, follows.
    private static readonly Dictionary<string, TokenKind> Functions = new(StringComparer.Ordinal)
    {
        ["count_over_time"] = TokenKind.CountOverTime,
        ["rate"] = TokenKind.Rate,
        ["bytes_over_time"] = TokenKind.BytesOverTime,
        ["bytes_rate"] = TokenKind.BytesRate,
        ["vector"] = TokenKind.Vector,
        ["sum"] = TokenKind.Sum,
        ["min"] = TokenKind.Min,
        ["max"] = TokenKind.Max,
        ["avg"] = TokenKind.Avg,
        ["count"] = TokenKind.Count,
        ["ip"] = TokenKind.Ip,
    };

    /// <summary>A sign or word, in lower case.</summary>
    public static bool TryWord(string word, out TokenKind kind)
    {
        if (Words.TryGetValue(word, out kind)) return true;
        kind = TokenKind.Unsupported;
        return OtherWords.Contains(word);
    }

    /// <summary>A function's name, in lower case.</summary>
    public static bool TryFunction(string word, out TokenKind kind)
    {
        if (Functions.TryGetValue(word, out kind)) return true;
        kind = TokenKind.Unsupported;
        return OtherFunctions.Contains(word);
    }

    /// <summary>Loki's name of a function in its error texts: the grammar's token, in capitals, but for those listed as plain words too.</summary>
    public static string FunctionName(string word) => word switch
    {
        "ip" or "label_replace" => word,
        "bytes" => "BYTES_CONV",
        "duration" => "DURATION_CONV",
        "duration_seconds" => "DURATION_SECONDS_CONV",
        _ => word.ToUpperInvariant(),
    };
}
