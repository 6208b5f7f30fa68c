// A rules file with a mistake must not make a report that looks right.
using LokiGateway.Hosting.Configuration;
using LokiGateway.Operations.Cost;
using LokiGateway.Operations.Cost.Rules;

namespace LokiGateway.Operations.Tests.Cost.Rules;

public sealed class CostRulesTests
{
    [Theory]
    [InlineData("clusterz: [a]", "cost.yaml:1:1: clusterz: unknown key; did you mean \"clusters\"?")]
    [InlineData("currency: euro", "cost.yaml:1:11: currency: expected three capital letters such as USD, found \"euro\"")]
    [InlineData("clusters: [ops, ops]", "cost.yaml:1:11: clusters: a name stands here twice")]
    [InlineData("clusters: [all]", "clusters: \"all\" cannot be a cluster's name")]
    [InlineData("rules:\n  - {name: a, match: {service: x}, component: lokii}", "cost.yaml:2:47: rules[0].component: expected one of loki, shipper, gateway, shared, found \"lokii\"; did you mean \"loki\"?")]
    [InlineData("rules:\n  - {name: a, match: {}, component: loki}", "rules[0].match: has no pattern")]
    [InlineData("rules:\n  - {name: a, match: {service: x}}", "rules[0].name: rule \"a\" says nothing")]
    [InlineData("rules:\n  - {name: a, match: {servce: x}, ignore: true}", "rules[0].match.servce: unknown key; did you mean \"service\"?")]
    [InlineData("splits: [{to_components: {loki: 1}, to_clusters: {ops: 1}}]", "exactly one of to_components and to_clusters")]
    [InlineData("splits: [{to_components: {loki: 0, shipper: 0}}]", "the weights are all zero")]
    [InlineData("splits: [{to_components: {loki: -1}}]", "\"-1\" is not a weight")]
    [InlineData("splits: [{to_clusters: {mars: 1}}]", "expected one of ops, dev, prod, found \"mars\"")]
    [InlineData("thresholds: [{component: loki, period: hourly, limit: 1}]", "thresholds[0].period: expected one of daily, weekly, monthly, found \"hourly\"")]
    [InlineData("thresholds: [{component: loki, period: daily, limit: 1 USD}]", "cost.yaml:1:54: thresholds[0].limit: expected an amount from 0 on, found \"1 USD\"")]
    [InlineData("thresholds: [{component: loki, period: daily}]", "thresholds[0].limit: is required")]
    [InlineData("owners: {compute: aws}", "owners.compute: expected one of focus, opencost, usage, found \"aws\"")]
    [InlineData("budgets: [{component: total, monthly: 100, pace_after_days: 40}]", "must be at most 28")]
    public void Mistake_IsNamedWithFileLineAndColumn(string yaml, string message)
    {
        var broken = Assert.Throws<ConfigurationException>(() => CostRules.Parse(yaml));
        Assert.Contains(broken.Errors, error => error.Contains(message, StringComparison.Ordinal));
        Assert.All(broken.Errors, static error => Assert.Matches(@"^cost\.yaml:\d+:\d+: ", error));
    }

    [Theory]
    [InlineData("prices: [{sku: a, unit: gb, price: 1, valid_from: 2026-01-01}]", "currency: is required")]
    [InlineData("currency: USD\nprices: [{sku: a, unit: GB, price: 1, valid_from: 2026-01-01}]", "prices[0].unit: expected one of")]
    [InlineData("currency: USD\nprices: [{sku: a, unit: gb, price: free, valid_from: 2026-01-01}]", "prices[0].price: expected an amount from 0 on, found \"free\"")]
    [InlineData("currency: USD\nprices: [{sku: a, unit: gb, price: 1, valid_from: today}]", "prices[0].valid_from: expected a day such as 2026-01-01, found \"today\"")]
    [InlineData("currency: USD\nprices: [{sku: a, unit: gb, price: 1, valid_from: 2026-01-01}, {sku: a, unit: gb, price: 2, valid_from: 2026-01-01}]", "two prices of a in * from this day on")]
    public void MistakeInThePriceBook_IsNamedWithItsPlace(string yaml, string message)
    {
        var broken = Assert.Throws<ConfigurationException>(() => PriceBook.Parse(yaml));
        Assert.Contains(broken.Errors, error => error.Contains(message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("arn:aws:s3:::acme-loki-*", "arn:aws:s3:::ACME-loki-chunks", true)]
    [InlineData("acme-?", "acme-1", true)]
    [InlineData("acme-?", "acme-", false)]
    [InlineData("*a*b*c", "xxaxxbxxbxxc", true)]
    [InlineData("*a*b*c", "xxaxxbxxbxxcd", false)]
    [InlineData("", "", true)]
    [InlineData("", "x", false)]
    public void Pattern_MatchesAsWritten(string pattern, string text, bool expected) => Assert.Equal(expected, new Glob(pattern).IsMatch(text));

    [Theory]
    [InlineData("user:component")]
    [InlineData("user_component")]
    [InlineData("component")]
    [InlineData("Component")]
    public void TagNames_AreTheSameInEachSpelling(string tag) => Assert.Equal("component", TagName.Normalize(tag));

    [Fact]
    public void FirstRuleThatGivesAPart_Wins_AndTagsFillTheRest()
    {
        var placements = new Placements(CostRules.Parse("""
            rules:
              - {name: buckets, match: {resource_id: "acme-loki-*"}, component: loki}
              - {name: account, match: {account: "4444*"}, component: shared, cluster: prod}
              - {name: nothing of ours, match: {tags: {team: "games"}}, ignore: true}
            aliases: {cluster: {production: prod}, component: {"alloy*": shipper}}
            """));
        Placement Place(string resource, string account, params (string Name, string Value)[] tags) => placements.Place(new ChargeFacts
        {
            Kind = SourceKind.Focus,
            Source = "x",
            Class = ResourceClass.Storage,
            Quality = CostQuality.Billed,
            ResourceId = resource,
            Account = account,
            Tags = tags.ToDictionary(static tag => TagName.Normalize(tag.Name), static tag => tag.Value),
        });

        Assert.Equal(("loki", "prod"), Of(Place("acme-loki-chunks", "44445")));
        Assert.Equal(("loki", "dev"), Of(Place("acme-loki-chunks", "1", ("user:cluster", "dev"))));
        Assert.Equal(("shipper", "prod"), Of(Place("vol-1", "1", ("component", "alloy-logs"), ("cluster", "production"))));
        Assert.Equal(("unallocated", "unallocated"), Of(Place("vol-1", "1", ("component", "billing-api"), ("cluster", "mars"))));
        Assert.Equal(Disposition.Ignored, Place("vol-1", "44445", ("team", "games")).Disposition);
        Assert.Contains(placements.Notes(), static note => note.Contains("billing-api", StringComparison.Ordinal));
        Assert.Contains(placements.Notes(), static note => note.Contains("mars", StringComparison.Ordinal));
    }

    private static (string Component, string Cluster) Of(Placement placement) => (placement.Key.Component, placement.Key.Cluster);
}
