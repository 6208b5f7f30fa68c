// STYLE in what can be checked by machine: so that a review can speak of what cannot.
using System.Text.RegularExpressions;

namespace LokiGateway.Conventions.Tests;

public sealed partial class CodeStyleTests
{
    // .editorconfig asks for 140. A text of a message may run over: it stays in one piece, so that it is found by searching for it.
    private const int ColumnsMax = 180;

    // "Seldom over 400"; beyond this a file has two subjects.
    private const int LinesMax = 500;

    [Fact]
    public void Namespaces_EqualFolders() => Repository.None(
        from file in Repository.Code
        let declared = file.Lines.Select(static line => NamespaceLine().Match(line))
            .FirstOrDefault(static match => match.Success)?.Groups[1].Value
        let expected = ExpectedNamespace(file)
        where declared is not null && declared != expected
        select $"{file.Path}: {declared}, expected {expected}");

    [Fact]
    public void EveryFile_OpensWithWhyItExists() => Repository.None(
        from file in Repository.Code
        where !file.Lines[0].StartsWith("//", StringComparison.Ordinal)
            && !file.Lines.Any(static line => line.StartsWith("/// <summary>", StringComparison.Ordinal))
        select $"{file.Path}: no comment at its top and no summary on its type");

    [Fact]
    public void Files_AreNamedAfterATypeInThem() => Repository.None(
        from file in Repository.Products
        let types = file.Lines.Select(static line => TypeLine().Match(line)).Where(static match => match.Success)
            .Select(static match => match.Groups["name"].Value).ToList()
        where types.Count > 0 && !types.Contains(file.Name.Split('.')[0]) && !types.Contains(GroupName(file.Name))
        select $"{file.Path}: holds {string.Join(", ", types)}");

    [Fact]
    public void PublicClasses_HaveAFileEach() => Repository.None(
        from file in Repository.Products
        let classes = file.Lines.Select(static line => PublicClassLine().Match(line)).Where(static match => match.Success)
            .Select(static match => match.Groups[1].Value).ToList()
        where classes.Count > 1
        select $"{file.Path}: {string.Join(", ", classes)}");

    [Fact]
    public void Lines_AreReadableWithoutScrolling() => Repository.None(
        from file in Repository.Code
        from line in file.Lines.Index()
        where line.Item.Length > ColumnsMax && !LongText().IsMatch(line.Item)
        select $"{file.Path}:{line.Index + 1}: {line.Item.Length} columns");

    [Fact]
    public void Files_HaveOneSubject() => Repository.None(
        from file in Repository.Code
        where file.Lines.Length > LinesMax
        select $"{file.Path}: {file.Lines.Length} lines");

    [Fact]
    public void NothingIsLeftForLater() => Repository.None(
        from file in Repository.Files
        where file.Name != nameof(CodeStyleTests)
        from line in file.Lines.Index()
        where LeftForLater().IsMatch(line.Item)
        select $"{file.Path}:{line.Index + 1}: {line.Item.Trim()}");

    // A test may find out that the machine cannot do what it needs (mount a small disk) and say so; it may not be switched off in the source.
    [Fact]
    public void NoTest_IsSwitchedOff() => Repository.None(
        from file in Repository.Code
        where file.Path.StartsWith("tests/", StringComparison.Ordinal) && file.Name != nameof(CodeStyleTests)
        from line in file.Lines.Index()
        where SwitchedOff().IsMatch(line.Item)
        select $"{file.Path}:{line.Index + 1}: {line.Item.Trim()}");

    [Fact]
    public void NoPathOfABuildMachine_IsInTheTree() => Repository.None(
        from file in Repository.Files
        from line in file.Lines.Index()
        where MachinePath().IsMatch(line.Item)
        select $"{file.Path}:{line.Index + 1}: {line.Item.Trim()}");

    [Fact]
    public void CatchBlocks_AreNotEmpty() => Repository.None(
        from file in Repository.Products
        from match in EmptyCatch().Matches(file.Text)
        select $"{file.Path}: {match.Value.ReplaceLineEndings(" ")}");

    [Fact]
    public void TestFolders_MirrorTheSource() => Repository.None(Repository.Code
        .Where(static file => file.Folders is ["tests", { } project, _, ..]
            && project is not ("EndToEnd.Tests" or "Conventions.Tests" or "Testing" or "Deploy.Tests"))
        .Select(static file => (Project: file.Folders[1][..^".Tests".Length], Folder: file.Folders[2]))
        .Distinct()
        .Where(static folder => !Directory.Exists(Path.Combine(Repository.Root, "src", folder.Project, folder.Folder)))
        .Select(static folder => $"tests/{folder.Project}.Tests/{folder.Folder}: there is no src/{folder.Project}/{folder.Folder}"));

    private static string ExpectedNamespace(SourceFile file)
    {
        IEnumerable<string> folders = file.Folders[0] == "benchmarks" ? ["Benchmarks", .. file.Folders[1..]] : file.Folders[1..];
        return string.Join('.', folders.Prepend("LokiGateway"));
    }

    // A file may be named after the family that it holds: Expressions.cs, MetricNames.cs.
    private static string GroupName(string name) => name.EndsWith("ies", StringComparison.Ordinal) ? name[..^3] + "y" : name.TrimEnd('s');

    [GeneratedRegex(@"^namespace ([\w.]+)")]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^(?:(?:public|internal|file|static|sealed|abstract|partial|readonly|ref|unsafe) )+"
        + @"(?:class|struct|record struct|record class|record|enum|interface|delegate [\w<>?,]+) (?<name>\w+)")]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"^public (?:static |sealed |abstract |partial )*class (\w+)")]
    private static partial Regex PublicClassLine();

    [GeneratedRegex("""
        "(?:[^"\\]|\\.){50,}"
        """)]
    private static partial Regex LongText();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException")]
    private static partial Regex LeftForLater();

    [GeneratedRegex(@"\bSkip\s*=|\[Ignore|Assert\.True\(true\)|(?<!if \(.*)Assert\.Skip\(")]
    private static partial Regex SwitchedOff();

    [GeneratedRegex(@"(?<![\w.*}])/(?:w[o]rk|r[o]ot|h[o]me|Users)/\w")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"catch(?: \([^)]*\))?\s*\{\s*\}")]
    private static partial Regex EmptyCatch();
}
