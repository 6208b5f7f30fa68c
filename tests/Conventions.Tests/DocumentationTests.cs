// The tables of docs/CONFIGURATION.md and docs/METRICS.md are what the code says, word for word. UPDATE_DOCS=1 rewrites them; without it
// a difference fails.
using LokiGateway.Gateway;
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Limits;
using LokiGateway.LocalLoki;
using LokiGateway.Operations.Cost.Rules;
using LokiGateway.Shipper;

namespace LokiGateway.Conventions.Tests;

public sealed class DocumentationTests
{
    private const string Configuration = "docs/CONFIGURATION.md";
    private const string MetricsPage = "docs/METRICS.md";

    [Fact]
    public void ConfigurationOfTheShipper_IsDocumentedAsItIs() =>
        Check(Configuration, "loki-shipper", Keys(static root => ShipperOptions.Bind(root)));

    [Fact]
    public void ConfigurationOfTheGateway_IsDocumentedAsItIs() =>
        Check(Configuration, "loki-gateway", Keys(static root => GatewayOptions.Bind(root)));

    [Fact]
    public void CredentialsOfTheGateway_AreDocumentedAsTheyAre() =>
        Check(Configuration, "credentials", Keys(static root => CredentialsFile.Bind(root)));

    [Fact]
    public void ConfigurationOfLocalLoki_IsDocumentedAsItIs() =>
        Check(Configuration, "local-loki", Keys(static root => LocalLokiOptions.Bind(root)));

    [Fact]
    public void RulesOfTheCostReport_AreDocumentedAsTheyAre() =>
        Check("docs/formats/cost-rules.md", "cost-rules", Keys(static root => CostRules.Bind(root)));

    [Fact]
    public void PriceBook_IsDocumentedAsItIs() =>
        Check("docs/formats/cost-usage.md", "cost-prices", Keys(static root => PriceBook.Bind(root)));

    [Fact]
    public void LimitsPerTenant_AreDocumentedAsTheyAre() =>
        Check(Configuration, "limits_config", Keys(static root => TenantLimits.Bind(root, new TenantLimits()), limits: true));

    [Theory]
    [InlineData("loki-shipper", "Shipper", "loki_shipper")]
    [InlineData("loki-gateway", "Gateway", "loki_gateway")]
    [InlineData("local-loki", "LocalLoki", "local_loki")]
    [InlineData("lokiops", "Operations", "lokiops")]
    public void Metrics_AreDocumentedAsTheyAre(string program, string project, string prefix) =>
        Check(MetricsPage, program, MetricTable.Of(project, prefix));

    [Fact]
    public void MetricsOfEveryProcess_AreDocumentedAsTheyAre() => Check(MetricsPage, "process", MetricTable.Of("Hosting", prefix: null));

    [Fact]
    public void EveryHelpText_IsASentence()
    {
        ConfigurationFile file = ConfigurationFile.ForDocumentation();
        ShipperOptions.Bind(file.Root);
        ConfigurationFile gateway = ConfigurationFile.ForDocumentation();
        GatewayOptions.Bind(gateway.Root);
        ConfigurationFile loki = ConfigurationFile.ForDocumentation();
        LocalLokiOptions.Bind(loki.Root);

        Repository.None(
            from key in file.AskedKeys.Concat(gateway.AskedKeys).Concat(loki.AskedKeys)
            where key.Help.Length < 8
                || !char.IsUpper(key.Help[0]) && !char.IsDigit(key.Help[0]) && !key.Help.Contains(':', StringComparison.Ordinal)
                || !key.Help.EndsWith('.')
            select $"{key.Path}: \"{key.Help}\"");
    }

    private static string Keys(Action<ConfigurationSection> bind, bool limits = false)
    {
        ConfigurationFile file = ConfigurationFile.ForDocumentation();
        bind(file.Root);
        var lines = new List<string> { "| key | type | default | allowed | meaning |", "|---|---|---|---|---|" };
        // Sections in the order of asking, each in one piece: a program may come back to a section later.
        foreach (ConfigurationKey key in file.AskedKeys.GroupBy(static key => key.Path.Split('.', '[')[0])
            .SelectMany(static section => section))
        {
            // These have a table of their own, the same for all programs.
            if (!limits && key.Path.StartsWith("limits_config.", StringComparison.Ordinal)) continue;
            string value = key.Required ? "*required*" : key.Default is null ? "" : $"`{key.Default}`";
            lines.Add(MetricTable.Row($"`{key.Path}`", key.Type, value, key.Range ?? "", key.Help));
        }

        return string.Join('\n', lines);
    }

    private static void Check(string path, string name, string expected)
    {
        string begin = $"<!-- begin {name} -->\n", end = $"\n<!-- end {name} -->";
        string text = Repository.Read(path);
        int from = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        int to = text.IndexOf(end, StringComparison.Ordinal);
        Assert.True(from >= begin.Length && to >= from, $"{path} has no part between {begin.Trim()} and {end.Trim()}");
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1")
            File.WriteAllText(Path.Combine(Repository.Root, path), text[..from] + expected + text[to..]);
        else
            Assert.True(text[from..to] == expected,
                $"{path}, part {name}, is not what the code says. UPDATE_DOCS=1 make test rewrites it. Expected:\n{expected}");
    }
}
