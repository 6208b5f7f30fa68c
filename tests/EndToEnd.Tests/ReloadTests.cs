// A change of the configuration without a restart, as an operator makes it: edit the file and send SIGHUP, or let Kubernetes swap the ConfigMap.
using LokiGateway.EndToEnd.Tests.Programs;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests;

public sealed class ReloadTests
{
    [Fact]
    public async Task HangUps_WhileLinesAreWritten_ChangeLabelsAndEndpoint_LoseNothingAndSendNothingTwice()
    {
        using var temp = new TempDirectory("reload");
        await using var first = FaultSink.Start();
        await using var second = FaultSink.Start();
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 31);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", first.PushUrl);
        var text = File.ReadAllText(setup.ConfigFile);
        await using var shipper = await setup.StartReadyAsync();
        for (var round = 1; round <= 4; round++)
        {
            writer.Write(200, partialShare: 0, tearShare: 0);
            if (round % 2 == 0) writer.Rotate();
            var changed = text + $"\nexternal_labels: {{round: r{round}}}\n";
            if (round > 2) changed = changed.Replace(first.PushUrl.ToString(), second.PushUrl.ToString(), StringComparison.Ordinal);
            File.WriteAllText(setup.ConfigFile, changed);
            shipper.HangUp();
            var applied = round;
            await Eventually.True(() => Occurrences(shipper.Stderr, "configuration read again and in force") >= applied, "the configuration is applied",
                shipper.Describe, TimeSpan.FromSeconds(60));
            await shipper.WaitReadyAsync(setup.Admin);
        }
        writer.Write(50, partialShare: 0, tearShare: 0);
        writer.Finish();

        IReadOnlyList<StoredEntry> All() => [.. first.Stored(), .. second.Stored()];
        await Eventually.True(() => All().Select(static entry => entry.Line).Distinct().Count() == writer.Count, "every line is there", shipper.Describe);
        // Each shipper in the process had finished what it read: not one line went out twice.
        Assert.Equal(writer.Count, All().Count);
        Assert.Contains(second.Stored(), static entry => entry.Labels.Contains("round=\"r4\"", StringComparison.Ordinal));
        Assert.Contains("external_labels:", await new HttpClient().GetStringAsync(new Uri(setup.Admin, "/config")), StringComparison.Ordinal);
        shipper.Terminate();
        Assert.Equal(0, await shipper.WaitExitAsync());
        Assert.Empty(first.Faults.Concat(second.Faults));
    }

    [Fact]
    public async Task BrokenConfiguration_IsSaidWithItsLine_AndShippingGoesOn()
    {
        using var temp = new TempDirectory("reload");
        await using var sink = FaultSink.Start();
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 32);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl);
        var text = File.ReadAllText(setup.ConfigFile);
        await using var shipper = await setup.StartReadyAsync();
        var before = await setup.MetricsAsync();
        Assert.Equal(1, before.Sum("loki_shipper_config_last_reload_successful"));

        File.WriteAllText(setup.ConfigFile, text.Replace("batch_wait:", "batch_weight:", StringComparison.Ordinal));
        shipper.HangUp();
        await shipper.WaitLineAsync(line => line.Contains($"{setup.ConfigFile}:10:3: endpoint.batch_weight: unknown key; did you mean", StringComparison.Ordinal)
            && line.Contains("batch_wait", StringComparison.Ordinal), "the error with its line");
        var after = await setup.MetricsAsync();
        Assert.Equal(0, after.Sum("loki_shipper_config_last_reload_successful"));
        Assert.Equal(before.Sum("loki_shipper_config_hash"), after.Sum("loki_shipper_config_hash"));

        writer.Write(20);
        writer.Finish();
        await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), static delivery => delivery.IsExact, "lines go on");
        Assert.DoesNotContain("the configuration has changed", shipper.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SwappedConfigMap_IsApplied_AndWhatNeedsARestartIsNamed()
    {
        using var temp = new TempDirectory("reload");
        await using var sink = FaultSink.Start();
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 33);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", sink.PushUrl);
        var text = File.ReadAllText(setup.ConfigFile);
        var mounted = new MountedVolume(temp.Path + "/mounted", ("shipper.yaml", text));
        await using var shipper = ChildProcess.StartBuilt("loki-shipper", $"--config.file={mounted.File("shipper.yaml")}");
        await shipper.WaitReadyAsync(setup.Admin);

        mounted.Write(("shipper.yaml",
            text.Replace(setup.StateDirectory, temp.Path + "/elsewhere", StringComparison.Ordinal) + "\nexternal_labels: {cluster: moon}\n"));

        await shipper.WaitLineAsync(static line => line.Contains("configuration read again and in force", StringComparison.Ordinal), "the new one in force");
        Assert.Contains("key=state_directory", shipper.Stderr, StringComparison.Ordinal);
        Assert.False(Directory.Exists(temp.Path + "/elsewhere"), "the state directory stays until a restart");
        writer.Write(20);
        writer.Finish();
        await Eventually.Value(() => Delivery.Compare([writer], sink.Stored()), static delivery => delivery.IsExact, "lines go on");
        Assert.All(sink.Stored(), static entry => Assert.Contains("cluster=\"moon\"", entry.Labels, StringComparison.Ordinal));
    }

    [Fact]
    public async Task HangUpWhileTheEndpointDoesNotAnswer_DoesNotWaitForIt_AndLosesNothing()
    {
        using var temp = new TempDirectory("reload");
        await using var dead = FaultSink.Start();
        await using var alive = FaultSink.Start();
        dead.Default = SinkAnswer.Stall;
        using var writer = new RotatingLogWriter(temp.Folder("pods"), seed: 34);
        writer.Write(100, tearShare: 0);
        var setup = new ShipperSetup(temp, $"{temp.Path}/pods/*/*/*.log", dead.PushUrl, shutdownTimeout: "1s");
        await using var shipper = setup.Start();
        await Eventually.True(() => dead.Requests >= 1, "a push is stuck");

        File.WriteAllText(setup.ConfigFile,
            File.ReadAllText(setup.ConfigFile).Replace(dead.PushUrl.ToString(), alive.PushUrl.ToString(), StringComparison.Ordinal));
        shipper.HangUp();

        await Eventually.Value(() => Delivery.Compare([writer], alive.Stored()), static delivery => delivery.IsExact, "all of it at the new endpoint");
        Assert.Equal(writer.Count, alive.StoredCount);
    }

    private static int Occurrences(string text, string of) => text.Split(of).Length - 1;
}
