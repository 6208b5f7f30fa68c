// A page without a runbook entry, or an entry for an alert that is gone: both waste the minutes that count.
using System.Text.RegularExpressions;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Alerts;

public sealed partial class RunbookTests
{
    private static readonly string[] Parts = ["**Means.**", "**Look.**", "**Do.**", "**Harmless.**"];

    private static readonly string Text = File.ReadAllText(Path.Combine(DeployTree.Root, "docs", "RUNBOOK.md"));

    [Fact]
    public void EveryAlert_HasAnEntryAndEveryEntryAnAlert() =>
        Assert.Equal(RuleFiles.Alerts.Select(static rule => rule.Alert!).Distinct().Order(StringComparer.Ordinal), Entries().Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void RunbookUrls_LeadToTheEntry() => Assert.All(RuleFiles.Alerts, static rule =>
        // GitHub's anchor of a heading: its text in small letters.
        Assert.Equal($"docs/RUNBOOK.md#{rule.Alert!.ToLowerInvariant()}", rule.Annotations.GetValueOrDefault("runbook_url")));

    [Fact]
    public void EveryEntry_SaysWhatItMeansWhereToLookWhatToDoAndWhenItIsHarmless() => Faults.None(
        from entry in Entries()
        from part in Parts
        where !entry.Value.Contains(part, StringComparison.Ordinal)
        select $"{entry.Key}: there is no {part}");

    /// <summary>What to look at is a command, a query or an endpoint, never only advice.</summary>
    [Fact]
    public void EveryEntry_HasSomethingToType() => Faults.None(
        from entry in Entries()
        let look = entry.Value[entry.Value.IndexOf("**Look.**", StringComparison.Ordinal)..entry.Value.IndexOf("**Do.**", StringComparison.Ordinal)]
        where !look.Contains('`', StringComparison.Ordinal)
        select entry.Key);

    private static Dictionary<string, string> Entries() =>
        Entry().Matches(Text).ToDictionary(static match => match.Groups["name"].Value, static match => match.Groups["text"].Value);

    [GeneratedRegex(@"^### (?<name>\w+)\n(?<text>(?:(?!^#{1,3} ).*\n?)*)", RegexOptions.Multiline)]
    private static partial Regex Entry();
}
