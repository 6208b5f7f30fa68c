// A credential in front of Loki changes who may ask, and nothing of what is answered: the recorded cases once more, through auth.mode static with a credential that is
// granted every tenant of the recording.
using System.Text;
using LokiGateway.EndToEnd.Tests.Stack;
using LokiGateway.Gateway.Authenticate;
using LokiGateway.Protocol.Tenancy;
using LokiGateway.Testing;
using LokiGateway.Testing.Contract;

namespace LokiGateway.EndToEnd.Tests;

public sealed class StaticContractTests(StaticContractTests.RecordedRun run) : IClassFixture<StaticContractTests.RecordedRun>
{
    public static TheoryData<string> Cases => [.. ContractCase.All.Select(@case => @case.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void GatewayWithCredentials_AnswersAsRecorded(string name) => Assert.True(run.Verdicts[name].Mismatch is null, run.Verdicts[name].Mismatch);

    [Fact]
    public void WithoutTheCredential_EveryPushIs401() => Assert.All(run.WithoutCredential, static verdict =>
    {
        // 404 and 405 say nothing about anybody's logs.
        var expected = verdict.Case.Status is 404 or 405 ? verdict.Case.Status : 401;
        Assert.Equal(expected, verdict.Answer!.Status);
    });

    public sealed class RecordedRun : IAsyncLifetime
    {
        private const string Token = "recorder.secret";

        private readonly TempDirectory _temp = new("static");
        private LokiStack _stack = null!;

        public IReadOnlyDictionary<string, ContractVerdict> Verdicts { get; private set; } = new Dictionary<string, ContractVerdict>();

        public IReadOnlyList<ContractVerdict> WithoutCredential { get; private set; } = [];

        public async ValueTask InitializeAsync()
        {
            // One that no case names beside them, so that a case without a tenant has none to fall back on.
            var tenants = ContractCase.All.SelectMany(static @case => @case.Headers)
                .Where(static header => header.Name.Equals("X-Scope-OrgID", StringComparison.OrdinalIgnoreCase) && TenantId.TryParse(header.Value, out _) == TenantIdError.None)
                .Select(static header => header.Value.Split('|')[0]).Distinct().Append("nobody");
            var hash = SecretHash.Create(Encoding.UTF8.GetBytes(Token), SecretHash.IterationsMin, namesCredential: true);
            var file = _temp.Write("credentials.yaml", $$"""
                credentials:
                  - {id: recorder, token_hash: "{{hash}}", tenants: [{{string.Join(", ", tenants.Select(static tenant => $"\"{tenant}\""))}}], allow: [push, read]}
                """);
            _stack = new LokiStack { Auth = $"{{mode: static, credentials_file: \"{file}\"}}" };
            await _stack.InitializeAsync();
            WithoutCredential = await ContractRun.AgainstAsync(_stack.Gateway);
            Verdicts = (await ContractRun.AgainstAsync(_stack.Gateway, credential: ("Authorization", $"Bearer {Token}"))).ToDictionary(verdict => verdict.Case.Name);
        }

        public async ValueTask DisposeAsync()
        {
            if (_stack is not null) await _stack.DisposeAsync();
            _temp.Dispose();
        }
    }
}
