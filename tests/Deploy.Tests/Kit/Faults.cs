// xunit shortens the members of a collection to fifty characters; a list of what is wrong is of use only when it can be read.
namespace LokiGateway.Deploy.Tests.Kit;

internal static class Faults
{
    /// <summary>Fails with every line.</summary>
    public static void None(IEnumerable<string> faults)
    {
        var found = faults.ToList();
        Assert.True(found.Count == 0, $"{found.Count} faults:\n{string.Join('\n', found)}");
    }
}
