// Every YAML example in README.md and docs/CONFIGURATION.md is fed to the program it is for: an example that does not start is worse than none.
using System.Text.RegularExpressions;
using LokiGateway.Gateway;
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Hosting.Configuration;
using LokiGateway.LocalLoki;
using LokiGateway.Operations.Cost.Rules;
using LokiGateway.Shipper;

namespace LokiGateway.Conventions.Tests;

public sealed partial class ExampleTests
{
    [Fact]
    public void EveryExample_IsAcceptedByItsProgram()
    {
        Match[] examples = [.. Example().Matches(Repository.Read("README.md")).Concat(Example().Matches(Repository.Read("docs/CONFIGURATION.md")))];
        Assert.True(examples.Length >= 3, "README.md shows shipper.yaml and gateway.yaml, docs/CONFIGURATION.md a shipper.yaml");
        foreach (Match example in examples)
        {
            ConfigurationFile file = ConfigurationFile.Parse(example.Groups["yaml"].Value, example.Groups["name"].Value,
                static _ => "value");
            switch (example.Groups["name"].Value)
            {
                case "shipper.yaml": ShipperOptions.Bind(file.Root); break;
                case "gateway.yaml": GatewayOptions.Bind(file.Root); break;
                case "credentials.yaml": CredentialsFile.Bind(file.Root); break;
                case "local-loki.yaml": LocalLokiOptions.Bind(file.Root); break;
                case var other: Assert.Fail($"nobody knows {other}"); break;
            }

            file.Finish();
        }
    }

    [Fact]
    public void ExampleOfTheCostReport_IsAcceptedByIt()
    {
        CostRules rules = CostRules.Parse(Repository.Read("deploy/examples/cost/cost.yaml"));
        PriceBook prices = PriceBook.Parse(Repository.Read("deploy/examples/cost/prices.yaml"));

        Assert.Equal(3, rules.Thresholds.Count);
        Assert.NotNull(prices.Cost("eu-central-1", "s3_storage_gb", new DateOnly(2026, 11, 21), 8350));
    }

    [GeneratedRegex(@"```yaml\n# (?<name>[\w-]+\.yaml)[^\n]*\n(?<yaml>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();
}
