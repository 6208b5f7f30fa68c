// The published binaries in the file systems of their images: what a chiseled base does not have, they must not need. Configuration, pushes and TLS
// are real; the upstream and the endpoint stand outside.
using System.Globalization;
using System.Runtime.Versioning;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Images;

[SupportedOSPlatform("linux")]
public sealed class ImageRunTests
{
    public static TheoryData<string> Files => [.. Dockerfile.Names];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Version_IsPrintedInTheImage(string name)
    {
        using var temp = new TempDirectory("image");
        var (code, stdout, stderr) = await Container.RunAsync(FinalStage.Make(temp, name), [], "--version");
        Assert.True(code == 0, stderr);
        Assert.Matches(@"^\S+ ?\d+\.\d+\.\d+|^\d+\.\d+\.\d+", stdout);
    }

    [Fact]
    public async Task ConfigurationFile_IsVerifiedInTheImage()
    {
        using var temp = new TempDirectory("image");
        var stage = FinalStage.Make(temp, "gateway");
        using var config = new TempDirectory("config");
        config.Write("gateway.yaml", GatewayYaml(FreePort.Next(), FreePort.Next(), new Uri("http://127.0.0.1:3100")));
        config.Write("broken.yaml", GatewayYaml(FreePort.Next(), FreePort.Next(), new Uri("http://127.0.0.1:3100")).Replace("push_url", "push_ulr", StringComparison.Ordinal));
        Readable(config);
        ContainerMount[] mounts = [new(config.Path, "/etc/loki-gateway")];

        Assert.Equal(0, (await Container.RunAsync(stage, mounts, "--config.file=/etc/loki-gateway/gateway.yaml", "--verify-config")).ExitCode);
        var (code, _, stderr) = await Container.RunAsync(stage, mounts, "--config.file=/etc/loki-gateway/broken.yaml", "--verify-config");
        Assert.Equal(1, code);
        Assert.Contains("did you mean \"push_url\"", stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gateway_ServesWithoutAnyRight()
    {
        using var temp = new TempDirectory("image");
        var stage = FinalStage.Make(temp, "gateway");
        await using var loki = FaultSink.Start();
        using var config = new TempDirectory("config");
        var (http, admin) = (FreePort.Next(), FreePort.Next());
        config.Write("gateway.yaml", GatewayYaml(http, admin, loki.Address));
        Readable(config);

        await using var gateway = Container.Start(stage, [new(config.Path, "/etc/loki-gateway")], null, "--config.file=/etc/loki-gateway/gateway.yaml");
        await gateway.Process.WaitReadyAsync(new Uri($"http://127.0.0.1:{admin}"));
        var answer = await RawHttp.PushAsync(new Uri($"http://127.0.0.1:{http}"), "ops",
            PushRequests.Snappy(new LogStream("{app=\"image\"}", new LogEntry(PushRequests.Now(), "from the image"))));

        Assert.True(answer.Status == 204, answer.ToString());
        Assert.Equal("from the image", Assert.Single(loki.Stored("ops")).Line);
        Assert.Equal("65532\t65532\t65532\t65532", gateway.Status("Uid"));
        Assert.Equal("65532\t65532\t65532\t65532", gateway.Status("Gid"));
        AssertPowerless(gateway);
        // The base image asks ASP.NET Core for port 8080; a program with its own ports must not open it as well.
        Assert.Equal([http, admin], ListeningPorts(gateway).Order());
        Assert.Equal(0, await gateway.StopAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Gateway_ChecksAnHttpsUpstreamAgainstTheAuthoritiesOfTheImage(bool isTrusted)
    {
        using var temp = new TempDirectory("image");
        var authority = new TestAuthority();
        var stage = FinalStage.Make(temp, "gateway", authorities: isTrusted ? authority.Pem : new TestAuthority("Somebody else").Pem);
        await using var loki = FaultSink.Start();
        await using var tls = TlsFront.Start(loki.Address, authority.Issue("loki", ["localhost"]));
        using var config = new TempDirectory("config");
        var (http, admin) = (FreePort.Next(), FreePort.Next());
        config.Write("gateway.yaml", GatewayYaml(http, admin, new Uri(tls.PushUrl.GetLeftPart(UriPartial.Authority))));
        Readable(config);

        await using var gateway = Container.Start(stage, [new(config.Path, "/etc/loki-gateway")], null, "--config.file=/etc/loki-gateway/gateway.yaml");
        await gateway.Process.WaitLineAsync(static line => line.Contains("listening", StringComparison.OrdinalIgnoreCase), "that it listens");
        var push = PushRequests.Snappy(new LogStream("{app=\"image\"}", new LogEntry(PushRequests.Now(), "over TLS")));
        var answer = await Eventually.ValueAsync(() => RawHttp.PushAsync(new Uri($"http://127.0.0.1:{http}"), "ops", push), static _ => true, "an answer");

        Assert.True(answer.Status == (isTrusted ? 204 : 503), $"{answer}\n{gateway.Process.Describe()}");
        Assert.Equal(isTrusted ? 1 : 0, loki.Stored("ops").Count);
    }

    [Fact]
    public async Task Shipper_ReadsTheNodesLogsAndWritesOnlyItsState()
    {
        using var temp = new TempDirectory("image");
        var authority = new TestAuthority();
        var stage = FinalStage.Make(temp, "shipper", authority.Pem);
        await using var loki = FaultSink.Start();
        await using var tls = TlsFront.Start(loki.Address, authority.Issue("gateway", ["localhost"]));
        using var node = new TempDirectory("node");
        // As containerd makes them: root's alone.
        var log = node.Write("log/pods/default_web-1_0a1b/app/0.log", "2026-11-22T22:15:01.000000000Z stdout F from the node\n");
        File.SetUnixFileMode(log, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        using var config = new TempDirectory("config");
        var admin = FreePort.Next();
        config.Write("shipper.yaml", $$"""
            admin: {listen: 127.0.0.1:{{admin}}}
            node: ${NODE_NAME}
            sources: [{paths: [/var/log/pods/*/*/*.log]}]
            endpoint: {url: "{{tls.PushUrl}}", tenant_id: ops, batch_wait: 100ms}
            """);
        ContainerMount[] mounts =
            [new(node.Folder("log"), "/var/log"), new(node.Folder("state"), "/var/lib/loki-shipper", IsReadOnly: false), new(config.Path, "/etc/loki-shipper")];

        await using var shipper = Container.Start(stage, mounts, new Dictionary<string, string> { ["NODE_NAME"] = "node-1" }, "--config.file=/etc/loki-shipper/shipper.yaml");
        await shipper.Process.WaitReadyAsync(new Uri($"http://127.0.0.1:{admin}"));
        await Eventually.True(() => loki.Stored("ops").Any(static entry => entry.Line == "from the node"), "the line from the node", shipper.Process.Describe);
        Assert.Equal("0\t0\t0\t0", shipper.Status("Uid"));
        AssertPowerless(shipper);
        Assert.Equal([admin], ListeningPorts(shipper));
        Assert.Equal(0, await shipper.StopAsync());

        Assert.True(File.Exists(Path.Combine(node.Path, "state", "positions.ckpt")), "positions were saved");
    }

    [Fact]
    public async Task ShipperInATimeZone_KnowsItWithoutTheNodesFiles()
    {
        using var temp = new TempDirectory("image");
        var stage = FinalStage.Make(temp, "shipper");
        await using var loki = FaultSink.Start();
        using var node = new TempDirectory("node");
        node.Write("log/app.log", $"{DateTimeOffset.UtcNow.ToOffset(TimeSpan.FromHours(9)):yyyy-MM-dd} 00:00:01 midnight in Seoul\n");
        using var config = new TempDirectory("config");
        config.Write("shipper.yaml", $$"""
            admin: {listen: 127.0.0.1:{{FreePort.Next()}}}
            node: node-1
            sources: [{paths: [/var/log/*.log], format: raw}]
            endpoint: {url: "{{loki.PushUrl}}", tenant_id: ops, batch_wait: 100ms}
            """);
        ContainerMount[] mounts =
            [new(node.Folder("log"), "/var/log"), new(node.Folder("state"), "/var/lib/loki-shipper", IsReadOnly: false), new(config.Path, "/etc/loki-shipper")];

        await using var shipper = Container.Start(stage, mounts, new Dictionary<string, string> { ["TZ"] = "Asia/Seoul" }, "--config.file=/etc/loki-shipper/shipper.yaml");
        await Eventually.True(() => loki.Stored("ops").Count > 0, "the line", shipper.Process.Describe);
        var time = DateTimeOffset.FromUnixTimeMilliseconds(loki.Stored("ops")[0].UnixNanos / 1_000_000);
        Assert.Equal("15:00:01", time.UtcDateTime.ToString("HH:mm:ss", CultureInfo.InvariantCulture));
    }

    // What the tests above would not notice: that the file system was writable, or that there was something to call.
    [Theory]
    [MemberData(nameof(Files))]
    public void FinalStage_HoldsNoOtherProgram(string name)
    {
        using var temp = new TempDirectory("image");
        var stage = FinalStage.Make(temp, name);
        var executables = Directory.EnumerateFiles(stage.Root, "*", SearchOption.AllDirectories)
            .Where(static path => !path.Contains(".so", StringComparison.Ordinal) && (File.GetUnixFileMode(path) & UnixFileMode.UserExecute) != 0)
            .Select(path => "/" + Path.GetRelativePath(stage.Root, path));
        Assert.Equal([stage.File.Entrypoint[0]], executables);
        Assert.Equal("555", Convert.ToString((int)File.GetUnixFileMode(stage.Root + stage.File.Entrypoint[0]), 8));
    }

    [Fact]
    public async Task StateThatCannotBeWritten_StopsTheShipperWithItsName()
    {
        using var temp = new TempDirectory("image");
        var stage = FinalStage.Make(temp, "shipper");
        using var config = new TempDirectory("config");
        config.Write("shipper.yaml", $$"""
            admin: {listen: 127.0.0.1:{{FreePort.Next()}}}
            node: node-1
            sources: [{paths: [/var/log/*.log]}]
            endpoint: {url: "http://127.0.0.1:9/loki/api/v1/push", tenant_id: ops}
            """);
        var (code, _, stderr) = await Container.RunAsync(stage, [new(config.Path, "/etc/loki-shipper")], "--config.file=/etc/loki-shipper/shipper.yaml");
        Assert.Equal(1, code);
        Assert.Contains("/var/lib/loki-shipper", stderr, StringComparison.Ordinal);
    }

    private static void AssertPowerless(Container container)
    {
        foreach (var set in new[] { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" }) Assert.Equal("0000000000000000", container.Status(set));
        Assert.Equal("1", container.Status("NoNewPrivs"));
        // First of its process ids, as in a container: the kernel's default reactions to signals do not hold for it.
        Assert.EndsWith("\t1", container.Status("NSpid"), StringComparison.Ordinal);
    }

    private static IEnumerable<int> ListeningPorts(Container container)
    {
        var id = container.ProgramId();
        HashSet<string> sockets = [.. Directory.EnumerateFileSystemEntries($"/proc/{id}/fd").Select(static path => new FileInfo(path).LinkTarget ?? "")
            .Where(static target => target.StartsWith("socket:[", StringComparison.Ordinal)).Select(static target => target[8..^1])];
        return from file in new[] { "tcp", "tcp6" }
               from line in File.ReadLines($"/proc/{id}/net/{file}").Skip(1)
               let fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
               where fields[3] == "0A" && sockets.Contains(fields[9])
               select int.Parse(fields[1].Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    private static string GatewayYaml(int http, int admin, Uri loki) => $$"""
        server: {http_listen_address: 127.0.0.1, http_listen_port: {{http}}, grpc_listen_port: -1}
        admin: {listen: 127.0.0.1:{{admin}}}
        auth: {mode: trust}
        upstream: {push_url: "{{loki}}", query_url: "{{loki}}"}
        """;

    /// <summary>As kubelet's ConfigMap volumes: readable by everybody.</summary>
    private static void Readable(TempDirectory directory) => File.SetUnixFileMode(directory.Path,
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute |
        UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
}
