// Files that are rotated while a program runs: what is taken, when, and what is said about it.
using LokiGateway.Hosting.Configuration;
using LokiGateway.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LokiGateway.Hosting.Tests.Configuration;

public sealed class ReloadedFilesTests : IDisposable
{
    private readonly TempDirectory _directory = new("reloaded");
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _told = [];

    [Fact]
    public async Task Change_IsTakenAtTheSecondLookThatFindsIt()
    {
        await using ReloadedFiles files = Open("one", "two");
        _directory.Write("a", "three");
        files.Look();
        Assert.Equal(["apply one two", "settled"], _told);
        files.Look();
        files.Look();
        Assert.Equal(["apply one two", "settled", "apply three two", "settled"], _told);
    }

    [Fact]
    public async Task FileThatGrows_IsNotTakenUntilItStandsStill()
    {
        await using ReloadedFiles files = Open("one", "two");
        foreach (string part in (string[])["t", "th", "thr"])
        {
            _directory.Write("b", part);
            _time.Advance(ReloadedFiles.LookPeriod);
        }

        Assert.Equal(2, _told.Count);
        _time.Advance(ReloadedFiles.LookPeriod);
        Assert.Equal("apply one thr", _told[2]);
    }

    [Fact]
    public async Task BrokenContent_IsRefusedOnce_AndSettlesWhenItIsTakenBack()
    {
        await using ReloadedFiles files = Open("one", "two");
        _directory.Write("a", "broken");
        for (int look = 0; look < 5; look++) files.Look();
        Assert.Equal(["apply one two", "settled", "refused it is broken"], _told);
        _directory.Write("a", "one");
        files.Look();
        Assert.Equal("settled", _told[3]);
        for (int look = 0; look < 5; look++) files.Look();
        Assert.Equal(4, _told.Count);
    }

    [Fact]
    public async Task MissingFile_IsSaidOnce_AndTheSwappedLinkIsTaken()
    {
        string link = _directory.File("link");
        File.CreateSymbolicLink(link, _directory.Write("a", "one"));
        await using var files = new ReloadedFiles([link], Apply, Refused, () => _told.Add("settled"), _time);
        File.Delete(link);
        for (int look = 0; look < 5; look++) files.Look();
        Assert.Equal(3, _told.Count);
        Assert.Contains("there is no such file", _told[2], StringComparison.Ordinal);
        File.CreateSymbolicLink(link, _directory.Write("b", "two"));
        for (int look = 0; look < 2; look++) files.Look();
        Assert.Equal(["apply two", "settled"], _told.Skip(3));
    }

    [Fact]
    public void UnusableAtTheStart_Throws() => Assert.Throws<ConfigurationException>(() => Open("broken", "two"));

    public void Dispose() => _directory.Dispose();

    private ReloadedFiles Open(string a, string b) =>
        new([_directory.Write("a", a), _directory.Write("b", b)], Apply, Refused, () => _told.Add("settled"), _time);

    private void Apply(IReadOnlyList<string> texts)
    {
        if (texts[0] == "broken") throw new ConfigurationException("it is broken");
        _told.Add($"apply {string.Join(' ', texts)}");
    }

    private void Refused(IReadOnlyList<string> errors) => _told.Add($"refused {string.Join(' ', errors)}");
}
