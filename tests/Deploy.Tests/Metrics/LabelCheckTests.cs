// The checker's own rules, on a small contract: what it lets pass would pass in every alert and dashboard.
namespace LokiGateway.Deploy.Tests.Metrics;

public sealed class LabelCheckTests
{
    private static readonly MetricContract Contract = new(new Dictionary<string, IReadOnlySet<string>>
    {
        ["lines_total"] = new HashSet<string> { "tenant", "reason" },
        ["limit"] = new HashSet<string> { "tenant" },
        ["wait_seconds_bucket"] = new HashSet<string> { "route", "le" },
        ["up"] = new HashSet<string>(),
        ["tenant:lines:rate5m"] = new HashSet<string> { "tenant" },
    });

    [Theory]
    [InlineData("sum by (tenant) (rate(lines_total{reason!=\"x\"}[5m])) > 0", "tenant")]
    [InlineData("sum(lines_total) by (tenant)", "tenant")]
    [InlineData("max without (reason, job, instance, cluster, namespace, pod, container, service, endpoint, node) (lines_total)", "tenant")]
    [InlineData("tenant:lines:rate5m / on (tenant) group_left () max by (tenant) (limit)", "tenant")]
    [InlineData("histogram_quantile(0.99, sum by (route, le) (rate(wait_seconds_bucket[5m])))", "route")]
    [InlineData("label_replace(absent(up{job=~\"a\", pod=\"b\"}), \"what\", \"x\", \"\", \"\")", "pod,what")]
    [InlineData("absent(up{pod=\"b\"} == 1)", "")]
    [InlineData("label_replace(tenant:lines:rate5m, \"a\", \"1\", \"\", \"\") or label_replace(tenant:lines:rate5m, \"b\", \"1\", \"\", \"\")", "tenant")]
    [InlineData("avg_over_time(tenant:lines:rate5m[1h:1m] offset 5m) and on (tenant) sum by (tenant, reason) (lines_total) > 5", "tenant")]
    [InlineData("sum by (tenant) (lines_total) * on (tenant) group_left (reason) sum by (tenant, reason) (lines_total)", "reason,tenant")]
    [InlineData("topk(5, sum by (tenant) (lines_total @ end()))", "tenant")]
    [InlineData("-sum(lines_total) ^ 2 + time() - 1e3 # a comment", "")]
    public void Result_HasTheLabelsThatPrometheusGivesIt(string expression, string labels)
    {
        var (errors, result) = LabelCheck.Of(expression, Contract);
        Assert.Empty(errors);
        Assert.Equal(labels, string.Join(',', result!.Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("lines_totla", "no program serves lines_totla; did you mean lines_total?")]
    [InlineData("lines_total{tenent=\"a\"}", "lines_total: there is no label tenent; did you mean tenant?")]
    [InlineData("sum by (le) (lines_total)", "sum by: there is no label le")]
    [InlineData("sum by (tenant) (sum by (reason) (lines_total))", "sum by: there is no label tenant")]
    [InlineData("sum by (tenant) (lines_total) / sum by (reason) (lines_total)", "never matches: left has (tenant) and right has (reason) alone")]
    [InlineData("sum(lines_total) / on (tenant) sum by (tenant) (limit)", "/ on, left side: there is no label tenant")]
    [InlineData("sum by (tenant) (limit) unless on (tenant) sum(lines_total)", "unless on, right side: there is no label tenant")]
    [InlineData("tenant:lines:rate5m * on (tenant) group_left (reason) tenant:lines:rate5m", "group_left: there is no label reason")]
    [InlineData("histogram_quantile(0.9, sum by (route) (wait_seconds_bucket))", "histogram_quantile: there is no label le")]
    [InlineData("label_replace(limit, \"a\", \"$1\", \"reason\", \"(.*)\")", "label_replace: there is no label reason")]
    [InlineData("holt_winters(limit[1h], 0.5, 0.5)", "this test does not know the function holt_winters()")]
    public void NameOrLabelThatIsNotThere_IsAnError(string expression, string error) =>
        Assert.Contains(LabelCheck.Of(expression, Contract).Errors, found => found.Contains(error, StringComparison.Ordinal));

    [Theory]
    [InlineData("sum by (tenant (lines_total)")]
    [InlineData("lines_total{tenant}")]
    [InlineData("lines_total{tenant=\"a}")]
    [InlineData("rate(lines_total[5m)")]
    [InlineData("{tenant=\"a\"}")]
    [InlineData("lines_total limit")]
    [InlineData("lines_total +")]
    [InlineData("lines_total ? 1")]
    public void WhatIsNotUnderstood_IsNotPassedOver(string expression) => Assert.Throws<FormatException>(() => LabelCheck.Of(expression, Contract));
}
