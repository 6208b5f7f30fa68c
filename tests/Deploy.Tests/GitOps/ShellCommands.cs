// The commands of a Markdown file, one by one: what stands in its sh blocks, loops unrolled as far as their list is written out.
using System.Text.RegularExpressions;

namespace LokiGateway.Deploy.Tests.GitOps;

/// <param name="Line">Where its block begins.</param>
/// <param name="Words">Program and arguments, without quotes.</param>
internal sealed record ShellCommand(int Line, IReadOnlyList<string> Words)
{
    public string Program => Words[0];

    /// <summary>Its flags, without their values.</summary>
    public IEnumerable<string> Flags => Words.Skip(1).Where(static word => Regex.IsMatch(word, "^--?[a-zA-Z]")).Select(static word => word.Split('=')[0]);

    /// <summary>The value after a flag, each time that it stands there.</summary>
    public IEnumerable<string> After(string flag) => Words.Index().Where(word => word.Item == flag && word.Index + 1 < Words.Count).Select(word => Words[word.Index + 1])
        .Concat(Words.Where(word => word.StartsWith(flag + "=", StringComparison.Ordinal)).Select(word => word[(flag.Length + 1)..]));

    public override string ToString() => string.Join(' ', Words);
}

internal static partial class ShellCommands
{
    public static IReadOnlyList<ShellCommand> Of(string markdown) => [.. Block().Matches(markdown).SelectMany(block =>
    {
        var line = markdown[..block.Index].Count(static character => character == '\n') + 1;
        return block.Groups[1].Value.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n', StringSplitOptions.RemoveEmptyEntries).SelectMany(text => Parse(line, text));
    })];

    private static IEnumerable<ShellCommand> Parse(int line, string text)
    {
        if (Loop().Match(text) is { Success: true } loop)
            return loop.Groups[2].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .SelectMany(value => Parse(line, loop.Groups[3].Value.Replace("$" + loop.Groups[1].Value, value, StringComparison.Ordinal)));
        // What stands in $( ) is a command of its own.
        return Substitution().Matches(text).SelectMany(inner => Parse(line, inner.Groups[1].Value))
            .Append(new ShellCommand(line, [.. Word().Matches(Substitution().Replace(text, "$1").Split(" >")[0])
                .Select(static word => word.Value.Replace("\"", "", StringComparison.Ordinal).Trim('\''))]));
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^for (\w+) in ([^;]+); do (.*); done$")]
    private static partial Regex Loop();

    [GeneratedRegex(@"\$\((\w+ [^()]*)\)")]
    private static partial Regex Substitution();

    [GeneratedRegex("""(?:[^\s'"]+|'[^']*'|"[^"]*")+""")]
    private static partial Regex Word();
}
