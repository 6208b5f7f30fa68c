// The tables of a module's README are its .tf files, word for word: who calls a module reads the README, not variables.tf. UPDATE_DOCS=1 writes them.
using System.Text;
using System.Text.RegularExpressions;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Terraform;

public sealed partial class ModuleReadmeTests
{
    public static TheoryData<string> Modules => ["loki-storage", "log-cost-export", "service-account-role"];

    [Theory]
    [MemberData(nameof(Modules))]
    public void Inputs_AreDocumentedAsTheyAre(string module)
    {
        var table = new StringBuilder("| input | type | default | meaning |\n|---|---|---|---|");
        foreach ((string name, string block) in Blocks(module, "variables.tf", "variable"))
        {
            string value = Argument(block, "default") is { } given ? $"`{given}`" : "*required*";
            table.Append('\n').Append($"| `{name}` | `{Argument(block, "type")}` | {value} | {Description(block)} |");
        }

        MarkedTable.Check(Readme(module), "inputs", table.ToString());
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void Outputs_AreDocumentedAsTheyAre(string module)
    {
        var table = new StringBuilder("| output | meaning |\n|---|---|");
        foreach ((string name, string block) in Blocks(module, "outputs.tf", "output")) table.Append('\n').Append($"| `{name}` | {Description(block)} |");
        MarkedTable.Check(Readme(module), "outputs", table.ToString());
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void EveryInput_SaysItsTypeAndWhatItIsFor(string module) => Assert.All(Blocks(module, "variables.tf", "variable"), static variable =>
    {
        Assert.NotNull(Argument(variable.Block, "type"));
        Assert.EndsWith(".", Description(variable.Block), StringComparison.Ordinal);
    });

    private static string Readme(string module) => DeployTree.Path("terraform", "modules", module, "README.md");

    private static IEnumerable<(string Name, string Block)> Blocks(string module, string file, string kind)
    {
        string text = File.ReadAllText(DeployTree.Path("terraform", "modules", module, file));
        // terraform fmt puts the closing brace of a block at the beginning of its line, and no other.
        MatchCollection matches = Regex.Matches(text, $"(?ms)^{kind} \"([a-z0-9_]+)\" \\{{\n(.*?)^\\}}");
        List<(string, string)> blocks = [.. matches.Select(static match => (match.Groups[1].Value, match.Groups[2].Value))];
        Assert.NotEmpty(blocks);
        return blocks;
    }

    private static string Description(string block) => Argument(block, "description")?.Trim('"').Replace("|", "\\|", StringComparison.Ordinal) ?? "";

    /// <summary>The value of an argument as it is written; one that goes over several lines in one line.</summary>
    private static string? Argument(string block, string name)
    {
        Match match = Regex.Match(block, $@"(?ms)^  {name} += (.*?)$(?=\n  [a-z]|\n\n|\n?\z)");
        return match.Success ? Space().Replace(match.Groups[1].Value.Trim(), " ") : null;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
