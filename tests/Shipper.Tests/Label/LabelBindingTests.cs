using LokiGateway.Hosting.Configuration;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Label;

namespace LokiGateway.Shipper.Tests.Label;

/// <summary>The keys for tenants, labels, joining and redaction: what they mean, and that a mistake is named with its line.</summary>
public sealed class LabelBindingTests
{
    [Fact]
    public void EveryKey_TakesItsValue()
    {
        ShipperOptions options = Bind("""
            sources:
              - paths: [/srv/**]
                path_pattern: '^/srv/(?P<team>[^/]+)/'
                labels: {job: apps}
                label_rules:
                  - keep: [team, "app_*"]
                  - drop: [node]
                  - rename: {team: owner}
                  - static: {tier: web}
                max_streams: 7
                structured_metadata: {filename: false, pod_uid: true, container_id: true, stream: true}
                multiline: {first_line: '^\d{4}-', max_lines: 10, max_bytes: 1KiB, max_wait: 5s}
                redact:
                  - pattern: 'tok_[a-z0-9]+'
                  - {pattern: '(?P<key>password=)[^ ]+', replace: '$${key}***'}
            endpoint:
              url: http://loki/
              tenant_id: rest
              tenant_from: label
              tenant_label: team
              tenant_map: {b-*: b, a-*: a, "*": others}
            """);
        SourceOptions source = Assert.Single(options.Sources);
        Assert.Equal("^/srv/(?P<team>[^/]+)/", source.PathPattern);
        Assert.Equal([LabelAction.Keep, LabelAction.Drop, LabelAction.Rename, LabelAction.Static], source.LabelRules.Select(static rule => rule.Action));
        Assert.Equal(["team", "app_*"], source.LabelRules[0].Names);
        Assert.Equal(("owner", "web"), (source.LabelRules[2].Pairs["team"], source.LabelRules[3].Pairs["tier"]));
        Assert.Equal((7, (bool?)false, true, true, true),
            (source.StreamsMax, source.FilenameMetadata, source.PodUidMetadata, source.ContainerIdMetadata, source.StreamMetadata));
        Assert.Equal(new MultiLineOptions { FirstLine = @"^\d{4}-", LinesMax = 10, BytesMax = 1 << 10, WaitMax = TimeSpan.FromSeconds(5) }, source.MultiLine);
        Assert.Equal([new("tok_[a-z0-9]+", "***"), new("(?P<key>password=)[^ ]+", "${key}***")], source.Redaction);
        Assert.Equal((TenantFrom.Label, "team"), (options.Endpoint.TenantFrom, options.Endpoint.TenantLabel));
        Assert.Equal([new("b-*", "b"), new("a-*", "a"), new("*", "others")], options.Endpoint.TenantMap);
    }

    [Fact]
    public void WithoutTheKeys_EverythingIsOff()
    {
        SourceOptions source = Bind("sources: [{paths: [/srv/**]}]\nendpoint: {url: http://loki/}").Sources[0];
        Assert.Null(source.MultiLine);
        Assert.Null(source.PathPattern);
        Assert.Empty(source.LabelRules);
        Assert.Empty(source.Redaction);
        Assert.Equal((10_000, (bool?)null, false, false, false),
            (source.StreamsMax, source.FilenameMetadata, source.PodUidMetadata, source.ContainerIdMetadata, source.StreamMetadata));
        Assert.Null(LineStages.Of(source.MultiLine, source.Redaction, 1));
    }

    [Theory]
    [InlineData("label_rules: [{rename: {a: b-c}}]", "label_rules[0].rename: 'b-c' is not a label name")]
    [InlineData("label_rules: [{static: {1a: x}}]", "label_rules[0].static: '1a' is not a label name")]
    [InlineData("label_rules: [{keep: [a], drop: [b]}]", "label_rules[0].drop: a rule is only one of keep, drop, rename, static")]
    [InlineData("label_rules: [{}]", "label_rules[0].keep: a rule needs one of keep, drop, rename, static")]
    [InlineData("label_rules: [{drop: ['[a']}]", "label_rules[0].drop: '[a': '[a' has a [ without its ]")]
    [InlineData("label_rules: [{replace: {a: b}}]", "label_rules[0].replace: unknown key")]
    [InlineData("path_pattern: '(?P<a>['", "path_pattern: Invalid pattern")]
    [InlineData("path_pattern: '^/srv/([^/]+)'", "path_pattern: has no named group")]
    [InlineData("path_pattern: '^/srv/(?P<ä>x)'", "path_pattern: 'ä' is not a label name")]
    [InlineData("path_pattern: '(?=x)(?P<a>x)'", "path_pattern: RegexOptions.NonBacktracking")]
    [InlineData("max_streams: 0", "max_streams: must be at least 1")]
    [InlineData("multiline: {first_line: '(', max_lines: 5}", "multiline.first_line: Invalid pattern")]
    [InlineData("multiline: {first_line: 'a', max_lines: 1}", "multiline.max_lines: must be at least 2")]
    [InlineData("multiline: {max_wait: 5s}", "multiline.max_wait: has no effect without first_line")]
    [InlineData("redact: [{replace: x}]", "redact[0].pattern: is required")]
    [InlineData("redact: [{pattern: '('}]", "redact[0].pattern: Invalid pattern")]
    [InlineData("redact: [{pattern: 'a*'}]", "redact[0].pattern: matches the empty text")]
    [InlineData("redact: [{pattern: '(a)', replace: '$2'}]", "redact[0].replace: the pattern has no group '2'")]
    public void Mistake_IsNamedWithItsLine(string keys, string error)
    {
        string message = Refusal($"endpoint: {{url: http://loki/}}\nsources:\n  - paths: [/srv/**]\n    {keys}\n");
        Assert.StartsWith("shipper.yaml:4:", message);
        Assert.Contains($"sources[0].{error}", message);
    }

    [Theory]
    [InlineData("tenant_from: label", "endpoint.tenant_label: tenant_from: label needs the name of the label")]
    [InlineData("tenant_label: team", "endpoint.tenant_label: has no effect without `tenant_from: label`")]
    [InlineData("tenant_map: {a: b}", "endpoint.tenant_map: has no effect with `tenant_from: fixed`")]
    [InlineData("tenant_from: namespace\n  tenant_map: {a: 'b c'}", "endpoint.tenant_map: 'a': tenant ID 'b c' contains unsupported character ' '")]
    [InlineData("tenant_from: label\n  tenant_label: a-b", "endpoint.tenant_label: 'a-b' is not a label name")]
    public void MistakeInATenant_IsNamedWithItsLine(string keys, string error)
    {
        string message = Refusal($"sources: [{{paths: [/srv/**]}}]\nendpoint:\n  url: http://loki/\n  {keys}\n");
        Assert.Contains(error, message);
        Assert.Matches("^shipper.yaml:[2-5]:", message);
    }

    private static ShipperOptions Bind(string yaml)
    {
        var file = ConfigurationFile.Parse(yaml, "shipper.yaml", static _ => null);
        ShipperOptions options = ShipperOptions.Bind(file.Root);
        file.Finish();
        return options;
    }

    private static string Refusal(string yaml) => Assert.Throws<ConfigurationException>(() => Bind(yaml)).Message;
}
