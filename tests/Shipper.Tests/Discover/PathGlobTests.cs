// The pattern language of `paths` and `exclude`, whole paths against whole patterns.
using LokiGateway.Shipper.Discover;
using LokiGateway.Testing;

namespace LokiGateway.Shipper.Tests.Discover;

public sealed class PathGlobTests
{
    [Theory]
    [InlineData("/var/log/*.log", "/var/log/a.log", true)]
    [InlineData("/var/log/*.log", "/var/log/.log", true)]
    [InlineData("/var/log/*.log", "/var/log/a/b.log", false)]
    [InlineData("/var/log/*.log", "/var/log/a.log.1", false)]
    [InlineData("/var/log/**/*.log", "/var/log/b.log", true)]
    [InlineData("/var/log/**/*.log", "/var/log/a/b/c.log", true)]
    [InlineData("/var/log/**", "/var/log/a/b/c", true)]
    [InlineData("/var/log/**", "/var/lo", false)]
    [InlineData("/**/app/**/x", "/a/app/b/app/c/x", true)]
    [InlineData("/**/app/**/x", "/a/ap/b/x", false)]
    [InlineData("/var/log/**/**/x", "/var/log/x", true)]
    [InlineData("/a?c", "/abc", true)]
    [InlineData("/a?c", "/a/c", false)]
    [InlineData("/a?c", "/ac", false)]
    [InlineData("/[a-c]x", "/bx", true)]
    [InlineData("/[a-c]x", "/dx", false)]
    [InlineData("/[!a-c]x", "/dx", true)]
    [InlineData("/[^a-c]x", "/ax", false)]
    [InlineData("/[]]x", "/]x", true)]
    [InlineData("/[a\\]]x", "/]x", true)]
    [InlineData("/[a-]x", "/-x", true)]
    [InlineData("/{a,b}.log", "/b.log", true)]
    [InlineData("/{a,b}.log", "/c.log", false)]
    [InlineData("/{a,b{1,2}/c}.log", "/b2/c.log", true)]
    [InlineData("/x{,.old}", "/x.old", true)]
    [InlineData("/x{,.old}", "/x", true)]
    [InlineData("/a\\*b", "/a*b", true)]
    [InlineData("/a\\*b", "/axb", false)]
    [InlineData("/a\\{b\\}", "/a{b}", true)]
    [InlineData("/a*b*c*d", "/aXXbYYcZZd", true)]
    [InlineData("/a*b*c*d", "/aXXbYYcZZ", false)]
    [InlineData("/var/log/pods/kube-system_*/**", "/var/log/pods/kube-system_dns_1/c/0.log", true)]
    [InlineData("/var/log/pods/*_[!k]*_*/*/*.log", "/var/log/pods/ns_pod_uid/c/0.log", true)]
    public void Pattern_MatchesWhatAShellWouldMatch(string pattern, string path, bool expected)
    {
        Assert.True(PathGlob.TryParse(pattern, out IReadOnlyList<PathGlob> globs, out string? error), error);
        Assert.Equal(expected, globs.Any(g => g.Matches(path)));
    }

    [Theory]
    [InlineData("var/log/*.log", "must begin with /")]
    [InlineData("/var/log/", "write /var/log/** for every file below it")]
    [InlineData("/var/../log", "write the path without it")]
    [InlineData("/var/{a,b", "opening { at character 6")]
    [InlineData("/var/[ab", "[ without its ]")]
    [InlineData("/var/a\\", "escapes nothing")]
    [InlineData("", "must begin with /")]
    [InlineData("/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "at most 256 alternatives")]
    public void BadPattern_IsRefusedWithWhatToWrite(string pattern, string part)
    {
        Assert.False(PathGlob.TryParse(pattern, out _, out string? error));
        Assert.Contains(part, error);
    }

    [Fact]
    public void ManyStars_DoNotTakeExponentialTime()
    {
        Assert.True(PathGlob.TryParse("/" + string.Concat(Enumerable.Repeat("*a", 60)), out IReadOnlyList<PathGlob> globs, out _));
        Assert.False(globs[0].Matches("/" + new string('a', 59) + "b"));
        Assert.False(globs[0].Matches("/" + new string('a', 4000) + "b"));
    }

    [Fact]
    public void Argument_DirectoryMeansEverythingBelow_FileMeansItself()
    {
        using var directory = new TempDirectory("glob");
        string file = directory.Write("odd [name].log", "x");
        Assert.Equal(directory.Path + "/**", PathGlob.ForArgument(directory.Path + "/"));
        Assert.True(PathGlob.TryParse(PathGlob.ForArgument(file), out IReadOnlyList<PathGlob> globs, out _));
        Assert.True(Assert.Single(globs).Matches(file));
        Assert.Equal("/no/such/*.log", PathGlob.ForArgument("/no/such/*.log"));
    }

    [Theory]
    [InlineData("/a/**", "/a", true)]
    [InlineData("/a/**", "/a/b", true)]
    [InlineData("/a/*", "/a", false)]
    [InlineData("/a/b*/**", "/a/b1", true)]
    [InlineData("/a/b*/**", "/a/c", false)]
    public void ExcludedTree_IsKnownWithoutLookingInside(string pattern, string directory, bool expected)
    {
        Assert.True(PathGlob.TryParse(pattern, out IReadOnlyList<PathGlob> globs, out _));
        Assert.Equal(expected, globs[0].MatchesAllBelow(directory));
    }
}
