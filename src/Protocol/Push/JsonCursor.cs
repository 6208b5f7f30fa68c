// Walks JSON in place. Not Utf8JsonReader, for two reasons: Loki's decoders take raw control characters and bytes that are no UTF-8 inside
// strings, as shell scripts send them, and that reader refuses both; and it reports bad input by exception, which a stranger could ask for
// a million times a second.
using System.Buffers;
using System.Text;

namespace LokiGateway.Protocol.Push;

internal enum JsonKind
{
    /// <summary>Nothing is left but white space.</summary>
    End,
    Object,
    Array,
    String,
    Number,
    Null,
    Boolean,

    /// <summary>No JSON value starts with this byte.</summary>
    Unknown,
}

/// <summary>A string as it stands between its quotes; <see cref="IsEscaped"/> tells that backslashes are in it.</summary>
internal readonly ref struct JsonString(ReadOnlySpan<byte> raw, bool isEscaped)
{
    public ReadOnlySpan<byte> Raw { get; } = raw;

    public bool IsEscaped { get; } = isEscaped;

    public bool Is(ReadOnlySpan<byte> text) => !IsEscaped && Raw.SequenceEqual(text);

    /// <summary>
    /// Writes the text itself, never longer than <see cref="Raw"/>. False for half a surrogate pair, unless <paramref name="replaceSurrogates"/>.
    /// </summary>
    public bool TryUnescape(Span<byte> destination, bool replaceSurrogates, out int written)
    {
        written = 0;
        var rest = Raw;
        while (true)
        {
            var plain = IsEscaped ? rest.IndexOf((byte)'\\') : -1;
            if (plain < 0)
            {
                rest.CopyTo(destination[written..]);
                written += rest.Length;
                return true;
            }

            rest[..plain].CopyTo(destination[written..]);
            written += plain;
            rest = rest[plain..];
            if (rest[1] != 'u')
            {
                destination[written++] = Plain(rest[1]);
                rest = rest[2..];
                continue;
            }

            if (!TryTakeUnicode(ref rest, out var rune) && !replaceSurrogates)
                return false;
            written += rune.EncodeToUtf8(destination[written..]);
        }
    }

    /// <summary>Bytes of the text itself, half a surrogate pair counted as U+FFFD.</summary>
    public int UnescapedLength()
    {
        var length = Raw.Length;
        if (!IsEscaped)
            return length;
        var rest = Raw;
        for (var next = rest.IndexOf((byte)'\\'); next >= 0; next = rest.IndexOf((byte)'\\'))
        {
            rest = rest[next..];
            if (rest[1] != 'u')
            {
                length--;
                rest = rest[2..];
                continue;
            }

            var before = rest.Length;
            TryTakeUnicode(ref rest, out var rune);
            length += rune.Utf8SequenceLength - (before - rest.Length);
        }

        return length;
    }

    private static byte Plain(byte escape) => escape switch
    {
        (byte)'b' => 0x08,
        (byte)'f' => 0x0C,
        (byte)'n' => 0x0A,
        (byte)'r' => 0x0D,
        (byte)'t' => 0x09,
        _ => escape,
    };

    // Takes \uXXXX or a pair of them off the front; false (and U+FFFD) for a surrogate without its other half.
    private static bool TryTakeUnicode(ref ReadOnlySpan<byte> rest, out Rune rune)
    {
        var first = (char)Hex(rest.Slice(2, 4));
        rest = rest[6..];
        if (Rune.TryCreate(first, out rune))
            return true;
        if (rest.Length >= 6 && rest[0] == '\\' && rest[1] == 'u' && Rune.TryCreate(first, (char)Hex(rest.Slice(2, 4)), out rune))
        {
            rest = rest[6..];
            return true;
        }

        rune = Rune.ReplacementChar;
        return false;
    }

    private static int Hex(ReadOnlySpan<byte> digits)
    {
        var value = 0;
        foreach (var digit in digits)
            value = (value << 4) | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        return value;
    }
}

/// <summary>Reads one JSON document from front to back. After a method returned false, <see cref="Fault"/> says what was wrong.</summary>
internal ref struct JsonCursor
{
    /// <summary>Nesting of values that are skipped: deeper than any push, shallow enough for the stack.</summary>
    public const int DepthMax = 64;

    private static readonly SearchValues<byte> NumberBytes = SearchValues.Create("+-0123456789.eE"u8);

    private readonly ReadOnlySpan<byte> json;
    private int position;
    private int depth;

    public JsonCursor(ReadOnlySpan<byte> json) => this.json = json;

    /// <summary>What was wrong, or null at the ordinary end of an object or array.</summary>
    public string? Fault { get; private set; }

    public readonly int Position => position;

    /// <summary>The fault with its place: <c>json: expected a string at byte 17</c>.</summary>
    public readonly string FaultText => $"json: {Fault} at byte {position}";

    public bool Fail(string fault)
    {
        Fault ??= fault;
        return false;
    }

    /// <summary>The kind of the next value, which is not consumed.</summary>
    public JsonKind Peek()
    {
        SkipSpace();
        if (position >= json.Length)
            return JsonKind.End;
        return json[position] switch
        {
            (byte)'{' => JsonKind.Object,
            (byte)'[' => JsonKind.Array,
            (byte)'"' => JsonKind.String,
            (byte)'n' => JsonKind.Null,
            (byte)'t' or (byte)'f' => JsonKind.Boolean,
            (byte)'-' or (>= (byte)'0' and <= (byte)'9') => JsonKind.Number,
            _ => JsonKind.Unknown,
        };
    }

    /// <summary>
    /// Moves to the next member of an object and reads its key; the caller then reads the value. Call with <paramref name="inside"/> false
    /// first. False after the closing brace, or on a fault.
    /// </summary>
    public bool TryReadKey(ref bool inside, out JsonString key)
    {
        key = default;
        if (!TryMove(ref inside, '{', '}', "expected an object"))
            return false;
        if (!TryReadString(out key, "expected a key"))
            return false;
        SkipSpace();
        return TryTake(':') || Fail("expected ':'");
    }

    /// <summary>Moves to the next element of an array, as <see cref="TryReadKey"/> does for objects.</summary>
    public bool TryReadElement(ref bool inside) => TryMove(ref inside, '[', ']', "expected an array");

    public bool TryReadString(out JsonString text, string expected = "expected a string")
    {
        text = default;
        if (Peek() != JsonKind.String)
            return Fail(expected);
        var start = position + 1;
        var end = start;
        var isEscaped = false;
        while (true)
        {
            var next = json[end..].IndexOfAny((byte)'"', (byte)'\\');
            if (next < 0)
                return Fail("unterminated string");
            end += next;
            if (json[end] == '"')
                break;
            isEscaped = true;
            if (!TryCheckEscape(ref end))
                return Fail("invalid escape in a string");
        }

        text = new JsonString(json[start..end], isEscaped);
        position = end + 1;
        return true;
    }

    public bool TryReadNull() => TryReadWord("null"u8);

    /// <summary>Skips the next value, whatever it is, and hands out its text (a string's with its quotes).</summary>
    public bool TrySkip(out ReadOnlySpan<byte> raw)
    {
        var kind = Peek();
        var start = position;
        var isSkipped = kind switch
        {
            JsonKind.Object or JsonKind.Array => TrySkipNested(kind),
            JsonKind.String => TryReadString(out _),
            JsonKind.Number => TrySkipNumber(),
            JsonKind.Null => TryReadNull(),
            JsonKind.Boolean => json[position] == 't' ? TryReadWord("true"u8) : TryReadWord("false"u8),
            JsonKind.End => Fail("unexpected end of input"),
            _ => Fail("expected a value"),
        };
        raw = isSkipped ? json[start..position] : default;
        return isSkipped;
    }

    private bool TrySkipNested(JsonKind kind)
    {
        if (depth == DepthMax)
            return Fail("values nested too deep");
        depth++;
        var inside = false;
        while (kind == JsonKind.Object ? TryReadKey(ref inside, out _) : TryReadElement(ref inside))
        {
            if (!TrySkip(out _))
                return false;
        }

        depth--;
        return Fault is null;
    }

    // The shape of a number is not checked further: none is ever read as one.
    private bool TrySkipNumber()
    {
        var length = json[position..].IndexOfAnyExcept(NumberBytes);
        position = length < 0 ? json.Length : position + length;
        return true;
    }

    private bool TryReadWord(ReadOnlySpan<byte> word)
    {
        SkipSpace();
        if (!json[position..].StartsWith(word))
            return Fail("expected a value");
        position += word.Length;
        return true;
    }

    private bool TryMove(ref bool inside, char open, char close, string expected)
    {
        if (Fault is not null)
            return false;
        SkipSpace();
        if (!inside)
        {
            if (!TryTake(open))
                return Fail(position < json.Length ? expected : "unexpected end of input");
            inside = true;
            SkipSpace();
            return !TryTake(close);
        }

        if (TryTake(close))
            return false;
        if (!TryTake(','))
            return Fail(position < json.Length ? close == '}' ? "expected ',' or '}'" : "expected ',' or ']'" : "unexpected end of input");
        return true;
    }

    private readonly bool TryCheckEscape(ref int backslash)
    {
        if (backslash + 1 >= json.Length)
            return false;
        switch (json[backslash + 1])
        {
            case (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t':
                backslash += 2;
                return true;
            case (byte)'u' when backslash + 6 <= json.Length:
                foreach (var digit in json.Slice(backslash + 2, 4))
                {
                    if (!char.IsAsciiHexDigit((char)digit))
                        return false;
                }

                backslash += 6;
                return true;
            default:
                return false;
        }
    }

    private bool TryTake(char c)
    {
        if (position >= json.Length || json[position] != c)
            return false;
        position++;
        return true;
    }

    private void SkipSpace()
    {
        while (position < json.Length && json[position] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
            position++;
    }
}
