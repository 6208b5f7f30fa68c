// Links and commands in the papers: a newcomer's first minute must not end at a file that is not there.
using System.Text.RegularExpressions;

namespace LokiGateway.Conventions.Tests;

public sealed partial class PaperTests
{
    private static IEnumerable<SourceFile> Papers =>
        Repository.Files.Where(static file => file.Path.EndsWith(".md", StringComparison.Ordinal));

    [Fact]
    public void RelativeLinks_LeadSomewhere() => Repository.None(
        from paper in Papers
        from match in Link().Matches(paper.Text)
        let target = match.Groups[1].Value.Split('#')[0]
        where target.Length > 0 && !target.Contains("://", StringComparison.Ordinal)
        where !Path.Exists(Path.Combine(Repository.Root, Path.GetDirectoryName(paper.Path)!, target))
        select $"{paper.Path}: {target}");

    [Fact]
    public void DecisionRecords_AreNumberedWithoutGaps()
    {
        string[] numbers = [.. Papers.Where(static file => file.Path.StartsWith("docs/adr/", StringComparison.Ordinal))
            .Select(static file => file.Name[..4])];

        Assert.Equal(Enumerable.Range(1, numbers.Length).Select(static number => number.ToString("0000")), numbers);
    }

    [Fact]
    public void ProjectsNamedInCommands_Exist() => Repository.None(
        from paper in Papers
        from match in ProjectArgument().Matches(paper.Text)
        where !Directory.Exists(Path.Combine(Repository.Root, match.Groups[1].Value))
        select $"{paper.Path}: --project {match.Groups[1].Value}");

    [Fact]
    public void MakeTargetsNamedInPapers_Exist() => Repository.None(
        from paper in Papers
        from match in MakeCommand().Matches(paper.Text)
        where !Regex.IsMatch(Repository.Read("Makefile"), $"^{match.Groups[1].Value}:", RegexOptions.Multiline)
        select $"{paper.Path}: make {match.Groups[1].Value}");

    [Fact]
    public void Papers_StandInDocsAndNotBesideTheCode() => Repository.None(Papers
        .Where(static file => file.Folders is ["src" or "tests", ..])
        .Select(static file => file.Path));

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"--project ((?:src|tests|benchmarks)[\w/.]*\w)")]
    private static partial Regex ProjectArgument();

    [GeneratedRegex(@"`make ([a-z]+)[` ]")]
    private static partial Regex MakeCommand();
}
