// A tool that quietly does nothing would make every test here pass.
namespace LokiGateway.Deploy.Tests.Kit;

public sealed class ToolTests
{
    [Fact]
    public async Task Helm_IsVersion4() => Assert.StartsWith("v4.", (await Tool.Helm.RunAsync(["version", "--short"])).Succeeded(), StringComparison.Ordinal);

    [Fact]
    public async Task UnknownCommand_IsRefused() => Assert.Contains("unknown command", (await Tool.Helm.RunAsync(["juggle"])).Refused(), StringComparison.Ordinal);
}
