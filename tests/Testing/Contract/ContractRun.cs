// All recorded cases against one server, in their order, each with its own verdict: what a server answers to case 80 depends on cases before it
// in the same tenant, so they cannot be run one by one.
namespace LokiGateway.Testing.Contract;

/// <summary>The verdict on one case: null is as recorded.</summary>
public sealed record ContractVerdict(ContractCase Case, RawAnswer? Answer, string? Mismatch);

/// <summary>Runs the cases against a server whose overrides are <see cref="ContractCase.Overrides"/>.</summary>
public static class ContractRun
{
    /// <summary>Sends every case for which <paramref name="only"/> holds (null: all), in order, with the <paramref name="credential"/> header if any.</summary>
    public static async Task<IReadOnlyList<ContractVerdict>> AgainstAsync(Uri server, Func<ContractCase, bool>? only = null,
        (string Name, string Value)? credential = null, CancellationToken ct = default)
    {
        var verdicts = new List<ContractVerdict>();
        foreach (var @case in ContractCase.All)
        {
            if (only is not null && !only(@case)) continue;
            try
            {
                var answer = await @case.SendAsync(server, credential, ct).ConfigureAwait(false);
                verdicts.Add(new ContractVerdict(@case, answer, @case.Mismatch(answer)));
            }
            catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
            {
                verdicts.Add(new ContractVerdict(@case, null, $"{@case.Name}: no answer: {e.Message}"));
            }
        }
        return verdicts;
    }
}
