// Label strings: what Loki accepts, how it words a refusal, and one canonical form for every spelling.
using System.Text;
using FsCheck.Xunit;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.Protocol.Tests.Labels;

public sealed class LabelSetTests
{
    [Theory]
    [InlineData("", "{}")]
    [InlineData("  \t\r\n", "{}")]
    [InlineData("{}", "{}")]
    [InlineData(" { } ", "{}")]
    [InlineData("{app=\"a\"}", "{app=\"a\"}")]
    [InlineData("{ z = \"1\" ,app=\"a\"}", "{app=\"a\", z=\"1\"}")]
    [InlineData("{app=\"a\",}", "{app=\"a\"}")]
    [InlineData("{app='it\\'s \"x\"'}", "{app=\"it's \\\"x\\\"\"}")]
    [InlineData("{app=`a\\nb`}", "{app=\"a\\\\nb\"}")]
    [InlineData("{app=`a\nb`}", "{app=\"a\\nb\"}")]
    [InlineData("{app=\"\"}", "{}")]
    [InlineData("{app=\"\", app=\"b\", c=\"d\"}", "{c=\"d\"}")] // Loki drops every label of a name that has an empty value
    [InlineData("{app=\"b\", app=\"a\"}", "{app=\"b\", app=\"a\"}")] // kept in order, for the validation that refuses it
    [InlineData("{on=\"1\", by=\"2\", inf=\"3\", sum=\"4\"}", "{by=\"2\", inf=\"3\", on=\"1\", sum=\"4\"}")]
    [InlineData("name", "{__name__=\"name\"}")]
    [InlineData("name{}", "{__name__=\"name\"}")]
    [InlineData("ns:name{a=\"b\"}", "{__name__=\"ns:name\", a=\"b\"}")]
    [InlineData(":x", "{__name__=\":x\"}")]
    [InlineData("SUM{a=\"b\"}", "{__name__=\"SUM\", a=\"b\"}")]
    [InlineData("name{__name__=\"other\"}", "{__name__=\"name\"}")]
    [InlineData("{a=\"b\"} # why", "{a=\"b\"}")]
    [InlineData("# first\n{ # second\n a=\"b\" # third\r}", "{a=\"b\"}")]
    [InlineData("{a=\"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\"}", "{a=\"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\"}")]
    [InlineData("{a=\"\\101\\x41\\u0041\\U00000041\"}", "{a=\"AAAA\"}")]
    [InlineData("{a=\"\\000\\x1f\\177\"}", "{a=\"\\x00\\x1f\\x7f\"}")]
    [InlineData("{a=\"\\xff\\xc3\\xa9\"}", "{a=\"\\xffé\"}")] // bytes: the first is no UTF-8, the others are
    [InlineData("{a=\"é한✓😀\"}", "{a=\"é한✓😀\"}")]
    [InlineData("{a=\"\\ufffd\"}", "{a=\"\uFFFD\"}")]
    [InlineData("{a=\"\u00A0\u00AD\u200B\u2028\uE000\uFEFF\"}", "{a=\"\\u00a0\\u00ad\\u200b\\u2028\\ue000\\ufeff\"}")]
    [InlineData("{a=\"\\U000E0001\\U0010FFFF\"}", "{a=\"\\U000e0001\\U0010ffff\"}")]
    [InlineData("{a=\"\u0085\"}", "{a=\"\\u0085\"}")]
    public void ValidText_HasOneCanonicalForm(string text, string canonical)
    {
        Assert.True(LabelSet.TryParse(Encoding.UTF8.GetBytes(text), out var labels, out var error), error);
        Assert.Null(error);
        Assert.Equal(canonical, labels.Text);
        Assert.Equal(canonical, Encoding.UTF8.GetString(labels.Utf8));
    }

    [Theory]
    [InlineData("app=\"a\"", "1:4: parse error: unexpected \"=\"")]
    [InlineData("{app=a}", "1:6: parse error: unexpected identifier \"a\" in label set, expected string")]
    [InlineData("{app=\"a\"", "1:9: parse error: unexpected end of input inside braces")]
    [InlineData("{1app=\"a\"}", "1:2: parse error: unexpected character inside braces: '1'")]
    [InlineData("{bad", "1:5: parse error: unexpected end of input inside braces")]
    [InlineData("{my-app=\"a\"}", "1:4: parse error: unexpected character inside braces: '-'")]
    [InlineData("{", "1:2: parse error: unexpected end of input inside braces")]
    [InlineData("}", "1:1: parse error: unexpected character: '}'")]
    [InlineData("{{", "1:2: parse error: unexpected left brace '{'")]
    [InlineData("{,}", "1:2: parse error: unexpected \",\" in label set, expected identifier or \"}\"")]
    [InlineData("{a=\"b\",,}", "1:8: parse error: unexpected \",\" in label set, expected identifier or \"}\"")]
    [InlineData("{\"a\"=\"b\"}", "1:2: parse error: unexpected string \"\\\"a\\\"\" in label set, expected identifier or \"}\"")]
    [InlineData("{app}", "1:5: parse error: unexpected \"}\" in label set, expected \"=\"")]
    [InlineData("{app=}", "1:6: parse error: unexpected \"}\" in label set, expected string")]
    [InlineData("{a!=\"b\"}", "1:3: parse error: unexpected <op:!=> in label set, expected \"=\"")]
    [InlineData("{a=~\"b\"}", "1:3: parse error: unexpected <op:=~> in label set, expected \"=\"")]
    [InlineData("{a!~\"b\"}", "1:3: parse error: unexpected <op:!~> in label set, expected \"=\"")]
    [InlineData("{a!\"b\"}", "1:3: parse error: unexpected character after '!' inside braces: '\"'")]
    [InlineData("{a=\"b\" c=\"d\"}", "1:8: parse error: unexpected identifier \"c\" in label set, expected \",\" or \"}\"")]
    [InlineData("{a=\"b\" \"a string of some length\"}", "1:8: parse error: unexpected string \"\\\"a string \"... in label set, expected \",\" or \"}\"")]
    [InlineData("{a=\"b\"} c", "1:9: parse error: unexpected identifier \"c\"")]
    [InlineData("{a=\"b\"} {", "1:9: parse error: unexpected \"{\"")]
    [InlineData("{a=\"b\"};", "1:8: parse error: unexpected character: ';'")]
    [InlineData("a b", "1:3: parse error: unexpected identifier \"b\"")]
    [InlineData("a by", "1:3: parse error: unexpected <by>")]
    [InlineData("a AND", "1:3: parse error: unexpected <op:AND>")]
    [InlineData("a sum", "1:3: parse error: unexpected <aggr:sum>")]
    [InlineData("a start", "1:3: parse error: unexpected \"start\"")]
    [InlineData("a b:c", "1:3: parse error: unexpected metric identifier \"b:c\"")]
    [InlineData("on{a=\"b\"}", "1:1: parse error: unexpected <on>")]
    [InlineData("bool", "1:1: parse error: unexpected <bool>")]
    [InlineData("atan2", "1:1: parse error: unexpected <op:atan2>")]
    [InlineData("NaN", "1:1: parse error: unexpected number \"NaN\"")]
    [InlineData("1", "1:1: parse error: unexpected number \"1\"")]
    [InlineData("0x1F", "1:1: parse error: unexpected number \"0x1F\"")]
    [InlineData("1.5e-3", "1:1: parse error: unexpected number \"1.5e-3\"")]
    [InlineData("123456789012", "1:1: parse error: unexpected number \"1234567890\"...")]
    [InlineData("5m", "1:1: parse error: unexpected duration \"5m\"")]
    [InlineData("1h30m", "1:1: parse error: unexpected duration \"1h30m\"")]
    [InlineData("1app", "1:1: parse error: bad number or duration syntax: \"1\"")]
    [InlineData("1..2", "1:1: parse error: bad number or duration syntax: \"1..\"")]
    [InlineData("\"app\"", "1:1: parse error: unexpected string \"\\\"app\\\"\"")]
    [InlineData(",", "1:1: parse error: unexpected \",\"")]
    [InlineData("+", "1:1: parse error: unexpected <op:+>")]
    [InlineData("==", "1:1: parse error: unexpected <op:==>")]
    [InlineData("=~", "1:1: parse error: unexpected character after '=': '~'")]
    [InlineData("!", "1:1: parse error: unexpected character after '!': '\uFFFD'")]
    [InlineData("<=", "1:1: parse error: unexpected <op:<=>")]
    [InlineData("(", "1:1: parse error: unexpected \"(\"")]
    [InlineData(")", "1:2: parse error: unexpected right parenthesis ')'")]
    [InlineData("[", "1:1: parse error: unexpected \"[\"")]
    [InlineData("]", "1:1: parse error: unexpected right bracket ']'")]
    [InlineData("@", "1:1: parse error: unexpected \"<Item 57399>\" <op:@>")]
    [InlineData("é", "1:1: parse error: unexpected character: 'é'")]
    [InlineData("{\u200B}", "1:2: parse error: unexpected character inside braces: '\\u200b'")]
    [InlineData("{\n\n  1}", "3:3: parse error: unexpected character inside braces: '1'")]
    [InlineData("{a=\"b\nc\"}", "1:4: parse error: unterminated quoted string")]
    [InlineData("{a=\"b", "1:4: parse error: unterminated quoted string")]
    [InlineData("{a=`b", "1:4: parse error: unterminated raw string")]
    [InlineData("{a=\"b\\", "1:4: parse error: escape sequence not terminated")]
    [InlineData("{a=\"b\\u12", "1:4: parse error: escape sequence not terminated")]
    [InlineData("{a=\"\\q\"}", "1:4: parse error: unknown escape sequence U+0071 'q'")]
    [InlineData("{a=\"\\'\"}", "1:4: parse error: unknown escape sequence U+0027 '''")]
    [InlineData("{a=\"\\\u0001\"}", "1:4: parse error: unknown escape sequence U+0001")]
    [InlineData("{a=\"\\x4g\"}", "1:4: parse error: illegal character U+0067 'g' in escape sequence")]
    [InlineData("{a=\"\\08\"}", "1:4: parse error: illegal character U+0038 '8' in escape sequence")]
    [InlineData("{a=\"\\400\"}", "1:4: parse error: escape sequence is an invalid Unicode code point")]
    [InlineData("{a=\"\\ud800\"}", "1:4: parse error: escape sequence is an invalid Unicode code point")]
    [InlineData("{a=\"\\U00110000\"}", "1:4: parse error: escape sequence is an invalid Unicode code point")]
    [InlineData("{a=\"\\Uffffffff\"}", "1:4: parse error: escape sequence is an invalid Unicode code point")]
    [InlineData("{a=\"\uFFFD\"}", "1:4: parse error: invalid UTF-8 rune")] // Go cannot tell U+FFFD from a bad byte
    public void InvalidText_IsRefusedInLokisWords(string text, string error)
    {
        Assert.False(LabelSet.TryParse(Encoding.UTF8.GetBytes(text), out var labels, out var actual));
        Assert.Null(labels);
        Assert.Equal(error, actual);
    }

    [Theory]
    [InlineData(new byte[] { (byte)'{', (byte)'a', (byte)'=', (byte)'"', 0xFF, (byte)'"', (byte)'}' }, "1:4: parse error: invalid UTF-8 rune")]
    [InlineData(new byte[] { (byte)'{', 0x80 }, "1:2: parse error: unexpected character inside braces: '\uFFFD'")]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 }, "1:1: parse error: unexpected character: '\uFFFD'")]
    public void BytesThatAreNotUtf8_AreRefused(byte[] text, string error)
    {
        Assert.False(LabelSet.TryParse(text, out _, out var actual));
        Assert.Equal(error, actual);
    }

    [Fact]
    public void EveryTruncationAndFlippedBit_IsParsedOrRefused_NeverThrown()
    {
        var text = "ns:m{app=\"a\\n\\u00e9é\", z='\\x41', q=`raw`,} # end"u8.ToArray();
        var parsed = 0;
        for (var length = 0; length <= text.Length; length++)
            parsed += ParsesToItself(text[..length]) ? 1 : 0;
        for (var bit = 0; bit < text.Length * 8; bit++)
        {
            var flipped = text.ToArray();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            parsed += ParsesToItself(flipped) ? 1 : 0;
        }

        Assert.InRange(parsed, 50, text.Length * 8);
    }

    [Property(MaxTest = 300)]
    public void AnyBytes_AreParsedOrRefused_NeverThrown(byte[] text) => ParsesToItself(text);

    [Property(MaxTest = 300)]
    public void AnyValues_SurviveTheText(string[] values)
    {
        var expected = values.Select((value, i) => KeyValuePair.Create($"l{i:D4}", Clean(value))).Where(label => label.Value.Length > 0).ToArray();
        var labels = LabelSet.Of(expected.Reverse());

        Assert.Equal(expected, labels.Pairs);
        Assert.True(LabelSet.TryParse(labels.Utf8, out var parsed, out var error), error);
        Assert.Equal(labels, parsed);
        Assert.Equal(labels.Hash, parsed.Hash);
        Assert.Equal(labels.GetHashCode(), parsed.GetHashCode());
        Assert.Equal(expected, parsed.Pairs);
    }

    [Fact]
    public void Lookup_FindsTheFirstOfAName()
    {
        Assert.True(LabelSet.TryParse("{app=\"a\", app=\"b\", z=\"1\"}"u8, out var labels, out _));
        Assert.Equal("a", labels["app"]);
        Assert.Null(labels["nope"]);
        Assert.Equal(["app", "app", "z"], labels.Pairs.Select(pair => pair.Key));
    }

    [Fact]
    public void DifferentSets_AreNotEqual()
    {
        var one = LabelSet.Of([KeyValuePair.Create("a", "1")]);
        var two = LabelSet.Of([KeyValuePair.Create("a", "2")]);
        Assert.NotEqual(one, two);
        Assert.NotEqual(one.Hash, two.Hash);
        Assert.False(one.Equals((object?)null));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1a")]
    [InlineData("a-b")]
    [InlineData("é")]
    public void NameThatNoLabelMayHave_IsABugOfTheCaller(string name) =>
        Assert.Throws<ArgumentException>(() => LabelSet.Of([KeyValuePair.Create(name, "x")]));

    // A parsed text's canonical form parses to the same set, and hashes without parsing. (U+FFFD is the one exception: Loki prints what it
    // does not read.)
    private static bool ParsesToItself(byte[] text)
    {
        if (!LabelSet.TryParse(text, out var labels, out var error))
        {
            Assert.Matches("^[0-9]+:[0-9]+: parse error: ", error);
            Assert.False(LabelText.TryHashCanonical(text, out _));
            return false;
        }

        if (!labels.Text.Contains('\uFFFD', StringComparison.Ordinal))
        {
            Assert.True(LabelSet.TryParse(labels.Utf8, out var again, out var second), second);
            Assert.Equal(labels, again);
        }

        Assert.Equal(
            text.AsSpan().SequenceEqual(labels.Utf8) && !HasByteEscape(labels.Text),
            LabelText.TryHashCanonical(text, out var hash));
        Assert.True(hash == 0 || hash == labels.Hash);
        return true;
    }

    private static bool HasByteEscape(string text) => System.Text.RegularExpressions.Regex.IsMatch(text, @"\\x[89a-f]");

    // Half surrogates and U+FFFD itself cannot be label text.
    private static string Clean(string? value) =>
        Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(value ?? "")).Replace("\uFFFD", "?", StringComparison.Ordinal);
}
