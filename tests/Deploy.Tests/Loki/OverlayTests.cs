// What must hold between the values, whatever chart renders them. Each of these was wrong in some public set of values, and is found only on a bad day.
using System.Text.Json.Nodes;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Loki;

public sealed class OverlayTests
{
    public static TheoryData<string> Sizes => [.. LokiValues.Sizes];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Quorum_IsKeptWhileOnePodOfEachIsAway(string size)
    {
        JsonObject values = LokiValues.Of(size);
        Assert.Equal(3, (int)values["loki"]!["commonConfig"]!["replication_factor"]!);
        Assert.True((int)values["ingester"]!["replicas"]! >= 3);
        // With replication 3 two copies must answer: the disruption budget lets one ingester go.
        Assert.Equal(1, (int)values["ingester"]!["maxUnavailable"]!);
        foreach (string component in (string[])["distributor", "querier", "queryFrontend", "queryScheduler", "indexGateway"])
        {
            int replicas = (int)(values[component]!["autoscaling"]?["minReplicas"] ?? values[component]!["replicas"])!;
            Assert.True((int)values[component]!["maxUnavailable"]! < replicas, $"{component}: a disruption may take all of them");
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void AutoscalingBeginsAtTheReplicas_AndStopsAboveThem(string size)
    {
        JsonObject values = LokiValues.Of(size);
        foreach (string component in (string[])["distributor", "querier"])
        {
            JsonNode autoscaling = values[component]!["autoscaling"]!;
            Assert.True((bool)autoscaling["enabled"]!);
            Assert.Equal((int)values[component]!["replicas"]!, (int)autoscaling["minReplicas"]!);
            Assert.True((int)autoscaling["maxReplicas"]! > (int)autoscaling["minReplicas"]!);
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void EveryComponent_HasRequestsAndAMemoryLimit_AndNoLimitOfCpu(string size)
    {
        JsonObject values = LokiValues.Of(size);
        foreach (string component in LokiValues.Components)
        {
            JsonNode resources = values[component]!["resources"] ?? throw new InvalidOperationException($"{size}: {component} has no resources");
            Assert.True(LokiValues.Cores(resources["requests"]!["cpu"]) > 0);
            Assert.True(LokiValues.Bytes(resources["limits"]!["memory"]) >= LokiValues.Bytes(resources["requests"]!["memory"]), component);
            Assert.Null(resources["limits"]!["cpu"]);
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void ReplayOfTheWal_FitsIntoTheIngestersMemory(string size)
    {
        JsonObject values = LokiValues.Of(size);
        double ceiling = LokiValues.Bytes(values["loki"]!["ingester"]!["wal"]!["replay_memory_ceiling"]);
        Assert.True(ceiling <= 0.75 * LokiValues.Bytes(values["ingester"]!["resources"]!["limits"]!["memory"]), "a crash would be followed by another one at the start");
    }

    [Fact]
    public void QueriesLookAsFarBackAsLogsAreKept_AndNoFurther()
    {
        JsonNode limits = LokiValues.Of("small")["loki"]!["limits_config"]!;
        Assert.Equal((string?)limits["retention_period"], (string?)limits["max_query_lookback"]);
    }

    [Fact]
    public void WhatAShipperMayHoldBack_IsWhatItThinksLokiTakes()
    {
        // docs/CONFIGURATION.md: limits.reject_old_samples_max_age of the shipper is 7d by default.
        JsonNode limits = LokiValues.Of("small")["loki"]!["limits_config"]!;
        Assert.Equal("168h", (string?)limits["reject_old_samples_max_age"]);
    }

    [Fact]
    public void RoleOfTheExample_IsOnTheServiceAccountThatIsNamed()
    {
        JsonObject example = LokiValues.Read(File.ReadAllText(LokiValues.Chart.File("storage.example.yaml")));
        Assert.Equal("loki", (string?)example["serviceAccount"]!["name"]);
        Assert.StartsWith("arn:aws:iam::", (string?)example["serviceAccount"]!["annotations"]!["eks.amazonaws.com/role-arn"], StringComparison.Ordinal);
    }

    [Fact]
    public void TotalsOfTheReadme_AreThoseOfTheValues()
    {
        List<string> rows = ["| | pods | CPU requested | memory requested | memory limits | disks |", "|---|---|---|---|---|---|"];
        foreach (string size in LokiValues.Sizes)
        {
            (LokiTotals least, LokiTotals most) = LokiValues.Totals(size);
            rows.Add($"| {size} | {least.Row} |");
            rows.Add($"| {size}, scaled out | {most.Row} |");
        }

        MarkedTable.Check(LokiValues.Chart.File("README.md"), "totals", string.Join('\n', rows));
    }
}
