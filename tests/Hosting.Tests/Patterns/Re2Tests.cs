using System.Text.RegularExpressions;
using LokiGateway.Hosting.Patterns;

namespace LokiGateway.Hosting.Tests.Patterns;

/// <summary>Patterns of Loki and Promtail mean what they mean there.</summary>
public sealed class Re2Tests
{
    [Theory]
    [InlineData(@"^\d{4}-", "2026-11", true)]
    [InlineData(@"^\d+$", "٣", false)] // ASCII digits only
    [InlineData(@"^\w+$", "ä", false)]
    [InlineData("[[:alpha:]]+7", "abc7", true)]
    [InlineData(@"^[^\d\s]$", "x", true)]
    [InlineData("a$", "a\n", false)] // the end, not in front of a last newline
    [InlineData("(?i)ERROR", "error", true)]
    [InlineData(@"\Qa.b\E+", "a.bbb", true)]
    [InlineData(@"\Qa.b\E", "axb", false)]
    [InlineData("[]a]", "]", true)]
    [InlineData("a.c", "a\nc", false)]
    [InlineData("(?s)a.c", "a\nc", true)]
    public void Pattern_MatchesAsInRe2(string pattern, string text, bool matches)
    {
        Assert.True(Re2.TryCompile(pattern, Regex.InfiniteMatchTimeout, out Regex? regex, out string? error), error);
        Assert.Equal(matches, regex.IsMatch(text));
    }

    [Fact]
    public void NamedGroup_HasItsName()
    {
        Assert.True(Re2.TryCompile("(?P<key>[a-z]+)=", Regex.InfiniteMatchTimeout, out Regex? regex, out _));
        Assert.Equal("user", regex.Match("user=7").Groups["key"].Value);
    }

    [Theory]
    [InlineData("(")]
    [InlineData("a**")]
    [InlineData("(?=a)")]
    [InlineData("(?<!a)b")]
    [InlineData(@"(a)\1")]
    [InlineData("((((((((a{99}){99}){99}){99}){99}){99}){99}){99})")]
    public void WhatIsNoPatternOrNotLinear_IsRefusedWithAReason(string pattern)
    {
        Assert.False(Re2.TryCompile(pattern, Regex.InfiniteMatchTimeout, out Regex? regex, out string? error));
        Assert.Null(regex);
        Assert.NotEmpty(error);
    }
}
