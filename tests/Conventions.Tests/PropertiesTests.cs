// docs/PROPERTIES.md and docs/COMPARISON.md promise what is proven where; a test that was renamed away would leave a promise without proof.
using System.Text.RegularExpressions;

namespace LokiGateway.Conventions.Tests;

public sealed partial class PropertiesTests
{
    [Fact]
    public void EveryPropertyIsListedOnce()
    {
        string[] listed = [.. PropertyRow().Matches(Repository.Read("docs/PROPERTIES.md")).Select(static match => match.Groups[1].Value)];

        Assert.Equal(Enumerable.Range(1, 11).Select(static number => $"P{number:00}"), listed);
    }

    [Fact]
    public void EveryTestNamedThere_Exists() => Repository.None(
        from document in (string[])["docs/PROPERTIES.md", "docs/COMPARISON.md"]
        from match in NamedTest().Matches(Repository.Read(document))
        let type = match.Groups["type"].Value
        let method = match.Groups["method"].Value
        where !Repository.Code.Any(file => file.Path.StartsWith("tests/", StringComparison.Ordinal) && file.Name == type
            && Regex.IsMatch(file.Text, $@"\b{method}\("))
        select $"{document}: {type}.{method} is not in tests/");

    [Fact]
    public void EveryNumberedTest_IsListed() => Repository.None(
        from file in Repository.Code
        where file.Path.StartsWith("tests/", StringComparison.Ordinal)
        from match in NumberedTest().Matches(file.Text)
        where !Repository.Read("docs/PROPERTIES.md").Contains($"{file.Name}.{match.Groups[1].Value}", StringComparison.Ordinal)
        select $"{file.Path}: {match.Groups[1].Value}");

    [GeneratedRegex(@"^\| (P\d\d) \|", RegexOptions.Multiline)]
    private static partial Regex PropertyRow();

    [GeneratedRegex(@"`(?<type>\w+Tests)\.(?<method>\w+)`")]
    private static partial Regex NamedTest();

    [GeneratedRegex(@"\b(P\d\d_\w+)\(")]
    private static partial Regex NumberedTest();
}
