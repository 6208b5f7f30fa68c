// Agents, dashboards and runbooks were written against Loki's answers. The gateway before an embedded Loki gives the same ones, case by case,
// as a Loki 3.2.1 did when they were recorded.
using LokiGateway.EndToEnd.Tests.Stack;
using LokiGateway.Testing.Contract;

namespace LokiGateway.EndToEnd.Tests;

public sealed class ContractTests(ContractTests.RecordedRun run) : IClassFixture<ContractTests.RecordedRun>
{
    public static TheoryData<string> Cases => [.. ContractCase.All.Select(@case => @case.Name)];

    [Fact]
    public void Recording_IsWhole() => Assert.Equal(92, ContractCase.All.Select(@case => @case.Name).Distinct().Count());

    [Theory]
    [MemberData(nameof(Cases))]
    public void GatewayBeforeLocalLoki_AnswersAsRecorded(string name)
    {
        var verdict = run.Verdicts[name];
        Assert.True(verdict.Mismatch is null, verdict.Mismatch);
    }

    /// <summary>All cases once, in the order of the recording: those of one tenant build on each other.</summary>
    public sealed class RecordedRun : IAsyncLifetime
    {
        private readonly LokiStack _stack = new();

        public IReadOnlyDictionary<string, ContractVerdict> Verdicts { get; private set; } = new Dictionary<string, ContractVerdict>();

        public async ValueTask InitializeAsync()
        {
            await _stack.InitializeAsync();
            Verdicts = (await ContractRun.AgainstAsync(_stack.Gateway)).ToDictionary(verdict => verdict.Case.Name);
        }

        public ValueTask DisposeAsync() => _stack.DisposeAsync();
    }
}
