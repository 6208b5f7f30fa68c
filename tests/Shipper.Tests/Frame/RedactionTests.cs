using System.Text;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Shipper.Frame;

namespace LokiGateway.Shipper.Tests.Frame;

/// <summary>What a rule matches does not get past framing, however the line came in.</summary>
public sealed class RedactionTests
{
    private static readonly RedactionRule Token = new("tok_[a-z0-9]{8}", "***");

    [Theory]
    [InlineData("tok_[a-z0-9]{8}", "***", "a tok_12345678 b tok_abcdefgh", "a *** b ***")]
    [InlineData("(?i)(password=)[^ ]+", "$1***", "PassWord=x1 password=y", "PassWord=*** password=***")]
    [InlineData("(?P<user>[a-z]+):(?P<secret>[a-z]+)@", "${user}:***@", "http://bob:hush@host", "http://bob:***@host")]
    [InlineData(@"(\d{4})-\d{4}-\d{4}-(\d{4})", "$1-xxxx-xxxx-$2", "card 1111-2222-3333-4444.", "card 1111-xxxx-xxxx-4444.")]
    [InlineData("secret", "", "a secret b", "a  b")]
    [InlineData("secret", "$$5", "a secret b", "a $5 b")]
    [InlineData("€+", "E", "1 €€ é", "1 E é")]
    [InlineData("x*y", "-", "xxy z y", "- z -")]
    public void Match_IsReplaced(string pattern, string replacement, string line, string expected)
    {
        string content = $"2026-11-22T22:15:01.000000000Z stdout F {line}\n";
        Assert.Equal([expected], StagedFile.Frame(content, null, [new(pattern, replacement)]).Lines());
    }

    [Fact]
    public void EntryWithoutAMatch_IsUntouchedAndNotCounted()
    {
        (List<FramedEntry> entries, FrameCounts counts) = Frame("nothing here\ntok_12345678\n", [Token]);
        Assert.Equal(["nothing here", "***"], entries.Lines());
        Assert.Equal((2, 1), (counts.Lines, counts.Redacted));
    }

    [Fact]
    public void Rules_ApplyInOrder() =>
        Assert.Equal(["c"], Frame("a\n", [new("a", "b"), new("b", "c")]).Entries.Lines());

    [Fact]
    public void MatchOverTheLinesOfAnEntry_IsReplaced()
    {
        const string content = "key:\n -----BEGIN\n MIIE\n -----END\nnext\n";
        RedactionRule key = new("(?s)-----BEGIN.*?-----END", "[key]");
        Assert.Equal(["key:\n [key]", "next"], StagedFile.Frame(content, StagedFile.Joined, [key], SourceFormat.Raw).Lines());
    }

    [Fact]
    public void MatchOverTheParts_OfALine_IsReplaced()
    {
        const string content = "2026-11-22T22:15:01.000000000Z stdout P a tok_12\n2026-11-22T22:15:01.000000001Z stdout F 345678 b\n";
        Assert.Equal(["a *** b"], StagedFile.Frame(content, null, [Token]).Lines());
    }

    [Fact]
    public void Cut_DoesNotLeaveTheFirstHalfOfASecret()
    {
        // The line is cut at 64 bytes, in the middle of the token.
        string line = new string('x', 58) + " tok_12345678 and more";
        (List<FramedEntry> entries, FrameCounts counts) = Frame(line + "\n", [Token], lineBytesMax: 64);
        string entry = Assert.Single(entries).Line;
        Assert.DoesNotContain("tok_", entry);
        Assert.EndsWith(" [truncated]", entry);
        Assert.Equal((1, 1), (counts.Truncated, counts.Redacted));
    }

    [Fact]
    public void LineThatReplacementsMakeTooLong_IsCut()
    {
        (List<FramedEntry> entries, FrameCounts counts) = Frame(new string('a', 60) + "\n", [new("a", "long")], lineBytesMax: 64);
        Assert.Equal(64, Assert.Single(entries).Line.Length);
        Assert.EndsWith("[truncated]", entries[0].Line);
        Assert.Equal(1, counts.Truncated);
    }

    [Fact]
    public void LineWithTooMuchToSearch_LosesItsEnd_AndNotItsSecrets()
    {
        // Each search for this pattern runs to the end of the line: 128 KiB of matches would be 8 G characters.
        string line = new string('y', 128 << 10) + "tok_12345678";
        (List<FramedEntry> entries, FrameCounts counts) = Frame(line + "\n", [new(".*x|y", "-"), Token], lineBytesMax: 256 << 10);
        string entry = Assert.Single(entries).Line;
        Assert.DoesNotContain("tok_", entry);
        Assert.EndsWith("- [truncated]", entry);
        Assert.Equal((1, 1), (counts.Truncated, counts.Redacted));
    }

    [Fact]
    public void BytesThatAreNotUtf8_DoNotHideASecret()
    {
        byte[] content = [.. "a "u8, 0xFF, 0xC3, .. "tok_12345678"u8, 0xE2, (byte)'\n'];
        Assert.Equal(["a \uFFFD\uFFFD***\uFFFD"], StagedFile.Frame(content, null, [Token], SourceFormat.Raw, 1 << 10).Lines());
    }

    [Fact]
    public void EscapedDockerMessage_IsReadBeforeItIsSearched()
    {
        const string content = """{"log":"a \u0074ok_12345678\n","stream":"stdout","time":"2026-11-22T22:15:01.000000000Z"}""" + "\n";
        Assert.Equal(["a ***"], StagedFile.Frame(content, null, [Token], SourceFormat.Docker).Lines());
    }

    [Theory]
    [InlineData("$1", "a", "the pattern has no group '1'")]
    [InlineData("${b}", "(?P<a>x)", "the pattern has no group 'b'")]
    [InlineData("$0", "a", "$0 would put back all that was matched")]
    [InlineData("$1", "(?P<a>x)(y)", "ambiguous")]
    public void Replacement_ThatThePatternDoesNotFit_IsRefused(string replacement, string pattern, string error)
    {
        Assert.False(ReplacementText.TryParse(replacement, LinePattern.Compile(pattern), out _, out string? refusal));
        Assert.Contains(error, refusal);
    }

    [Theory]
    [InlineData("a$")]
    [InlineData("$")]
    [InlineData("$x")]
    [InlineData("${")]
    [InlineData("${}")]
    public void DollarThatNamesNoGroup_IsItself(string text)
    {
        Assert.True(ReplacementText.TryParse(text, LinePattern.Compile("x"), out ReplacementText? replacement, out _));
        Assert.Equal((true, text), (replacement.IsLiteral, replacement.Tail));
    }

    [Property(MaxTest = 300)]
    public Property WhatIsFramed_NeverMatches_WhereverChunksPartsAndCutsAre() => Prop.ForAll(Files(), static file =>
    {
        var random = new Random(file.Seed);
        FileFraming framing = StagedFile.Framing(file.Format, 64, file.Joins ? StagedFile.Joined : null, [Token]);
        List<FramedEntry> entries = new FramingRun(new LineFramer(64, TimeZoneInfo.Utc), framing, file.Content).ToEnd(() => 1 + random.Next(200), () => random.Next(4)).Entries;
        // Not even a piece: with every secret gone whole, nothing that begins like one is left, at a cut neither.
        string? leak = entries.Select(static entry => entry.Line).FirstOrDefault(static line => Regex.IsMatch(line, "tok_[a-z0-9]"));
        return (leak is null).Label(leak ?? "");
    });

    public sealed record SecretFile(byte[] Content, SourceFormat Format, bool Joins, int Seed)
    {
        public override string ToString() => $"{Format} joins {Joins} seed {Seed}\n{Encoding.UTF8.GetString(Content)}";
    }

    private static Arbitrary<SecretFile> Files()
    {
        Gen<string> text = Gen.Elements("tok_12345678", "tok_abcdefgh", "x", " ", "é", "€", new string('z', 30), "-");
        Gen<string> line = text.ArrayOf().Select(static pieces => string.Concat(pieces.Take(12)));
        return (from lines in line.ArrayOf()
                from format in Gen.Elements(SourceFormat.Raw, SourceFormat.Cri)
                from joins in Gen.Elements(false, true)
                from seed in Gen.Choose(0, int.MaxValue)
                select new SecretFile(Content(lines, format, new Random(seed)), format, joins, seed)).ToArbitrary();
    }

    private static byte[] Content(string[] lines, SourceFormat format, Random random)
    {
        var content = new StringBuilder();
        foreach (string line in lines)
        {
            if (format == SourceFormat.Raw)
            {
                content.Append(line).Append('\n');
                continue;
            }
            // In parts, cut anywhere.
            string rest = line;
            while (rest.Length > 1 && random.Next(2) == 0)
            {
                int cut = 1 + random.Next(rest.Length - 1);
                content.Append($"2026-11-22T22:15:01.000000000Z stdout P {rest[..cut]}\n");
                rest = rest[cut..];
            }
            content.Append($"2026-11-22T22:15:01.000000000Z stdout F {rest}\n");
        }
        return Encoding.UTF8.GetBytes(content.ToString());
    }

    private static (List<FramedEntry> Entries, FrameCounts Counts) Frame(string content, RedactionRule[] rules, int lineBytesMax = 1 << 10)
    {
        var framer = new LineFramer(lineBytesMax, TimeZoneInfo.Utc);
        FramingRun run = new FramingRun(framer, StagedFile.Framing(SourceFormat.Raw, lineBytesMax, null, rules), Encoding.UTF8.GetBytes(content)).ToEnd(() => content.Length);
        return (run.Entries, framer.TakeCounts());
    }
}
