// A Dockerfile as its rules need it: instructions in order, each with its stage, with variables filled in from the defaults of ARG. No engine is
// asked, there is none where the tests run.
using System.Text.RegularExpressions;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Images;

/// <summary>One instruction. <paramref name="Stage"/> is -1 before the first FROM; <paramref name="Text"/> is the rest of its lines, joined.</summary>
internal sealed record Instruction(int Line, int Stage, string Name, string Text)
{
    /// <summary><c>--from=build</c> and the like, in front of the arguments.</summary>
    public IReadOnlyList<string> Flags => [.. Text.Split(' ', StringSplitOptions.RemoveEmptyEntries).TakeWhile(static word => word.StartsWith("--", StringComparison.Ordinal))];

    /// <summary>What follows the flags.</summary>
    public IReadOnlyList<string> Arguments => [.. Text.Split(' ', StringSplitOptions.RemoveEmptyEntries).SkipWhile(static word => word.StartsWith("--", StringComparison.Ordinal))];

    public string? Flag(string name) => Flags.FirstOrDefault(flag => flag.StartsWith($"--{name}=", StringComparison.Ordinal))?[(name.Length + 3)..];
}

/// <summary>A file of deploy/docker.</summary>
internal sealed partial class Dockerfile
{
    private readonly Dictionary<string, string> _arguments = new(StringComparer.Ordinal);

    private Dockerfile(string path, string text)
    {
        Path = path;
        Text = text;
        Instructions = [.. Parse(text)];
        foreach (var argument in Instructions.Where(static one => one.Name == "ARG" && one.Stage < 0))
        {
            var pair = argument.Text.Split('=', 2);
            _arguments[pair[0]] = pair.Length == 2 ? pair[1] : "";
        }
    }

    public static IEnumerable<string> Names => Directory.EnumerateFiles(DeployTree.Path("docker"), "*.Dockerfile")
        .Select(static path => System.IO.Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal);

    public string Path { get; }

    public string Text { get; }

    /// <summary><c>shipper</c> of <c>shipper.Dockerfile</c>.</summary>
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    public IReadOnlyList<Instruction> Instructions { get; }

    public int LastStage => Instructions.Max(static one => one.Stage);

    public IEnumerable<Instruction> Final => Instructions.Where(one => one.Stage == LastStage);

    /// <summary>Instructions that do not copy out of another stage: what the build context is asked for.</summary>
    public IEnumerable<Instruction> CopiesOfContext => Instructions.Where(static one => one.Name == "COPY" && one.Flag("from") is null);

    /// <summary>The program of the ENTRYPOINT, without its folder.</summary>
    public string Program => System.IO.Path.GetFileName(Entrypoint.FirstOrDefault() ?? "");

    /// <summary>The words of the exec form; empty when it is no exec form.</summary>
    public string[] Entrypoint => ExecForm(Final.LastOrDefault(static one => one.Name == "ENTRYPOINT")?.Text ?? "");

    /// <summary>The user of the final stage as it is written.</summary>
    public string User => Final.LastOrDefault(static one => one.Name == "USER")?.Text ?? "";

    /// <summary>src/X of the program.</summary>
    public string Project => Publish().Match(Text) is { Success: true } match ? match.Groups[1].Value : "";

    public static Dockerfile Load(string name)
    {
        var path = DeployTree.Path("docker", name + ".Dockerfile");
        return new Dockerfile(path, File.ReadAllText(path));
    }

    /// <summary>The same file with a piece of its text exchanged: what a rule must notice.</summary>
    public Dockerfile With(string old, string @new)
    {
        Assert.Contains(old, Text, StringComparison.Ordinal);
        return new Dockerfile(Path, Text.Replace(old, @new, StringComparison.Ordinal));
    }

    /// <summary>Variables of the build filled in: <c>$X</c>, <c>${X}</c>, <c>${X:-default}</c> and <c>${X:+word}</c>.</summary>
    public string Expand(string text, IReadOnlyDictionary<string, string>? given = null)
    {
        string Value(string name) => given is not null && given.TryGetValue(name, out var value) ? value : _arguments.GetValueOrDefault(name, "");
        for (var depth = 0; depth < 4; depth++)
        {
            text = Variable().Replace(text, match =>
            {
                var value = Value(match.Groups["name"].Value);
                var word = match.Groups["word"].Value;
                return match.Groups["kind"].Value switch
                {
                    ":+" => value.Length > 0 ? word : "",
                    ":-" => value.Length > 0 ? value : word,
                    _ => value,
                };
            });
        }
        return text;
    }

    private static string[] ExecForm(string text)
    {
        try
        {
            return System.Text.Json.JsonSerializer.Deserialize<string[]>(text) ?? [];
        }
        catch (System.Text.Json.JsonException)
        {
            return [];
        }
    }

    private static IEnumerable<Instruction> Parse(string text)
    {
        var stage = -1;
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var first = i;
            if (lines[i].Trim() is "" || lines[i].TrimStart().StartsWith('#')) continue;
            var whole = lines[i].Trim();
            while (whole.EndsWith('\\'))
            {
                do i++; while (i < lines.Length && lines[i].TrimStart().StartsWith('#'));
                if (i >= lines.Length) throw new FormatException($"line {first + 1}: the last line ends with a backslash");
                whole = whole[..^1].TrimEnd() + " " + lines[i].Trim();
            }
            var space = whole.IndexOf(' ', StringComparison.Ordinal);
            var name = (space < 0 ? whole : whole[..space]).ToUpperInvariant();
            if (name == "FROM") stage++;
            yield return new Instruction(first + 1, stage, name, space < 0 ? "" : whole[(space + 1)..].Trim());
        }
    }

    [GeneratedRegex(@"\$(?:\{(?<name>\w+)(?:(?<kind>:[+-])(?<word>(?:[^{}]|\{[^{}]*\})*))?\}|(?<name>\w+))")]
    private static partial Regex Variable();

    [GeneratedRegex(@"dotnet publish (src/\w+)")]
    private static partial Regex Publish();
}
