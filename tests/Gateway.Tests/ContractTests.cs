// All recorded answers of Loki 3.2.1 through the gateway. What Loki's own validation decides is scripted as recorded, and must come back verbatim; the rest
// the gateway decides, and Loki must not even be asked.
using LokiGateway.Gateway.Admit;
using LokiGateway.Testing;
using LokiGateway.Testing.Contract;

namespace LokiGateway.Gateway.Tests;

public sealed class ContractTests
{
    /// <summary>Label and line validation, age and metadata: Loki's, whose word is passed through.</summary>
    private static readonly string[] DecidedByLoki =
    [
        "legacy/json v0", "labels/duplicate name", "labels/16 names", "labels/name of 1025", "labels/value of 2049", "entry/too old", "entry/too new",
        "entry/262145 bytes", "entry/one long of two", "entry/129 metadata pairs", "entry/metadata over 64 KB",
        "limit/line size",
    ];

    [Fact]
    public async Task EveryCase_IsAnsweredAsRecorded()
    {
        using var directory = new TempDirectory("gateway");
        string overrides = directory.Write("overrides.yaml", ContractCase.Overrides);
        FaultSink loki = FaultSink.Start(static _ => SinkAnswer.Refuse(204));
        await using GatewayFixture gateway = await GatewayFixture.StartAsync(change: options => options with { RuntimeConfigFile = overrides }, loki: loki);
        Assert.Subset(ContractCase.All.Select(static recorded => recorded.Name).ToHashSet(), DecidedByLoki.ToHashSet());
        var wrong = new List<string>();
        foreach (ContractCase recorded in ContractCase.All)
        {
            bool isLokis = DecidedByLoki.Contains(recorded.Name);
            if (isLokis) loki.Script(SinkAnswer.Refuse(recorded.Status, recorded.Body));
            long asked = loki.Requests;
            RawAnswer answer = await recorded.SendAsync(gateway.Address);
            if (recorded.Mismatch(answer) is { } mismatch) wrong.Add(mismatch);
            bool mayAsk = isLokis || recorded.Status == 204 || recorded.Times > 1 || answer.Header(RefusedStreams.Header) is not null;
            if (loki.Requests != asked && !mayAsk) wrong.Add($"{recorded.Name}: Loki was asked");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(0, loki.ScriptLeft);
    }
}
