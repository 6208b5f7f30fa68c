// The recorded pushes once more, as gRPC calls: what Loki answers over HTTP is in the status and in the detail of the error, to the letter.
using System.Text;
using Grpc.Core;
using LokiGateway.Protocol.Tenancy;
using LokiGateway.Testing;
using LokiGateway.Testing.Contract;

namespace LokiGateway.Gateway.Tests.Grpc;

public sealed class GrpcContractTests
{
    [Fact]
    public async Task EveryRecordedProtobufPush_IsAnsweredAlike()
    {
        using var directory = new TempDirectory("gateway");
        string overrides = directory.Write("overrides.yaml", ContractCase.Overrides);
        FaultSink loki = FaultSink.Start(static _ => SinkAnswer.Refuse(204));
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(
            change: options => options with { RuntimeConfigFile = overrides, GrpcListen = "127.0.0.1:0" }, loki: loki);
        var wrong = new List<string>();
        int asked = 0;
        foreach (ContractCase recorded in ContractCase.All)
        {
            if (MessageOf(recorded) is not { } message) continue;
            asked++;
            bool isLokis = ContractTests.DecidedByLoki.Contains(recorded.Name);
            if (isLokis) loki.Script(SinkAnswer.Refuse(recorded.Status, recorded.Body));
            RawAnswer? answer = null;
            for (int time = 0; time < recorded.Times; time++) answer = await CallAsync(gateway, recorded, message);
            if (recorded.Mismatch(answer!) is { } mismatch) wrong.Add(mismatch);
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.InRange(asked, 40, ContractCase.All.Count);
        Assert.Equal(0, loki.ScriptLeft);
    }

    private static async Task<RawAnswer> CallAsync(GatewayFixture gateway, ContractCase recorded, byte[] message)
    {
        try
        {
            await PusherClient.CallAsync(gateway.Gateway.GrpcAddress!, message, [TenantOf(recorded)!]);
            return new RawAnswer(204, new Dictionary<string, string>(), []);
        }
        catch (RpcException failure)
        {
            (int status, string body) = PusherClient.DetailOf(failure);
            Assert.Equal(((int)failure.StatusCode, failure.Status.Detail), (status, body.TrimEnd('\n')));
            return new RawAnswer(status, new Dictionary<string, string> { ["Content-Type"] = "text/plain; charset=utf-8" }, Encoding.UTF8.GetBytes(body));
        }
    }

    /// <summary>The protobuf of a plain push in a snappy block for one tenant; null: the case is about something that only HTTP has.</summary>
    private static byte[]? MessageOf(ContractCase recorded)
    {
        if (recorded.Method != "POST" || recorded.Path != "/loki/api/v1/push" || TenantOf(recorded) is null || recorded.Render(DateTimeOffset.UtcNow) is not { } body) return null;
        if (!recorded.Headers.Any(static header => header is ("Content-Type", "application/x-protobuf"))) return null;
        if (recorded.Headers.Any(static header => header.Name == "Content-Encoding" && header.Value != "snappy")) return null;
        try
        {
            return Snappier.Snappy.DecompressToArray(body);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    // What the name itself is worth is told by other tests: Loki's gRPC says it in other words than its HTTP.
    private static string? TenantOf(ContractCase recorded)
    {
        string[] sent = [.. recorded.Headers.Where(static header => header.Name.Equals("X-Scope-OrgID", StringComparison.OrdinalIgnoreCase)).Select(static header => header.Value)];
        return sent is [var one] && TenantId.TryParse(one, out _) == TenantIdError.None ? one : null;
    }
}
