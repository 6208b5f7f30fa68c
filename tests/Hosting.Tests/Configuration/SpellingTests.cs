// The promise of the suggestion: one slip of the finger, whatever it is, and the message names the key that was meant.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;

namespace LokiGateway.Hosting.Tests.Configuration;

public sealed class SpellingTests
{
    private static readonly string[] Keys = [.. KnownLimitKeys()];

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("abc", "abc", 0)]
    [InlineData("abc", "acb", 1)]
    [InlineData("abc", "ab", 1)]
    [InlineData("abc", "abcd", 1)]
    [InlineData("abc", "xbc", 1)]
    [InlineData("", "abc", 3)]
    [InlineData("kitten", "sitting", 3)]
    public void Distance_CountsEdits(string a, string b, int expected)
    {
        Assert.Equal(expected, Spelling.Distance(a, b));
        Assert.Equal(expected, Spelling.Distance(b, a));
    }

    [Fact]
    public void NothingNear_SuggestsNothing() => Assert.Equal("", Spelling.DidYouMean("zzzzzzzz", Keys));

    [Property(MaxTest = 1000, Arbitrary = [typeof(Misspellings)])]
    public bool AnyKeyWithOneEdit_IsNamedInTheMessage(Misspelling word)
    {
        if (Keys.Contains(word.Typed)) return true;
        ConfigurationFile file = ConfigurationFile.Parse($"\"{word.Typed}\": 1\n", "f.yaml", static _ => null);
        TenantLimits.Bind(file.Root, new TenantLimits());
        string message = Assert.Single(Assert.Throws<ConfigurationException>(file.Finish).Errors);
        return message.Contains($"\"{word.Meant}\"", StringComparison.Ordinal)
            && message.Contains("did you mean", StringComparison.Ordinal);
    }

    private static IEnumerable<string> KnownLimitKeys()
    {
        ConfigurationFile file = ConfigurationFile.ForDocumentation();
        TenantLimits.Bind(file.Root, new TenantLimits());
        return file.AskedKeys.Select(static key => key.Path).Concat(LokiLimitKeys.WithoutMeaningHere);
    }

    public sealed record Misspelling(string Meant, string Typed);

    public static class Misspellings
    {
        public static Arbitrary<Misspelling> Misspelling() => Arb.From(
            from key in Gen.Elements(Keys)
            from at in Gen.Choose(0, key.Length - 1)
            from letter in Gen.Elements("abcdefghijklmnopqrstuvwxyz_0123456789".ToCharArray())
            from edit in Gen.Choose(0, 3)
            select new Misspelling(key, Edit(key, at, letter, edit)));

        private static string Edit(string key, int at, char letter, int edit) => edit switch
        {
            0 => key.Remove(at, 1),
            1 => key.Insert(at, letter.ToString()),
            2 => key.Remove(at, 1).Insert(at, letter.ToString()),
            _ when at + 1 < key.Length => $"{key[..at]}{key[at + 1]}{key[at]}{key[(at + 2)..]}",
            _ => key + letter,
        };
    }
}
