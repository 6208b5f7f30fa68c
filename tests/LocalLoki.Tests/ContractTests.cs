// The recorded answers of Loki 3.2.1, against a local Loki alone: what stands behind a gateway must be right by itself.
using LokiGateway.Testing;
using LokiGateway.Testing.Contract;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.LocalLoki.Tests;

public sealed class ContractTests
{
    [Fact]
    public async Task AllRecordedAnswersOfLoki_AreGivenByteForByte()
    {
        using TempDirectory directory = new("contract");
        LocalLokiOptions options = new()
        {
            Listen = "127.0.0.1:0",
            DataDirectory = directory.Path,
            OverridesFile = directory.Write("overrides.yaml", ContractCase.Overrides),
        };
        await using LocalLokiServer server = await LocalLokiServer.StartAsync(
            options, NullLoggerFactory.Instance, TimeProvider.System, Metrics.NewCustomRegistry(), CancellationToken.None);

        IReadOnlyList<ContractVerdict> verdicts = await ContractRun.AgainstAsync(server.Address);

        Assert.Equal(92, verdicts.Count);
        Assert.Equal([], verdicts.Select(static verdict => verdict.Mismatch).OfType<string>());
    }
}
