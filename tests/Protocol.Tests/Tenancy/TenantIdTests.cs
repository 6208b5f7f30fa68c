// What Loki 3.2.1 says to each kind of tenant header, word for word.
using LokiGateway.Protocol.Tenancy;
using LokiGateway.Testing.Contract;

namespace LokiGateway.Protocol.Tests.Tenancy;

public sealed class TenantIdTests
{
    public static TheoryData<string> Cases() =>
        [.. ContractCase.All.Where(c => c.Name.StartsWith("tenant/", StringComparison.Ordinal)).Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void RecordedHeader_IsAnsweredAsLokiAnsweredIt(string name)
    {
        var recorded = ContractCase.All.Single(c => c.Name == name);
        var header = recorded.Headers.Where(h => h.Name == "X-Scope-OrgID").Select(h => h.Value).SingleOrDefault();

        var error = TenantId.TryParse(header, out var tenant);

        Assert.Equal(recorded.Body.TrimEnd('\n'), TenantId.ErrorText(error, header));
        Assert.Equal(recorded.Status == 204 ? header : "", tenant.Value);
        Assert.Equal(recorded.Status == 401, error == TenantIdError.Missing);
    }

    [Theory]
    [InlineData("|", TenantIdError.Missing)] // Loki takes this for the empty tenant; nobody should be able to write there
    [InlineData("||", TenantIdError.Missing)]
    [InlineData("a|", TenantIdError.Several)]
    [InlineData("|a", TenantIdError.Several)]
    [InlineData("a|b|a", TenantIdError.Several)]
    [InlineData("a|b c", TenantIdError.UnsupportedCharacter)]
    [InlineData("a|..", TenantIdError.UnsafePathSegment)]
    [InlineData("...", TenantIdError.None)]
    [InlineData("a\0b", TenantIdError.UnsupportedCharacter)]
    [InlineData("a:b", TenantIdError.UnsupportedCharacter)]
    [InlineData("\r\n", TenantIdError.UnsupportedCharacter)]
    public void OddHeader_IsJudgedByThePart(string header, TenantIdError expected) =>
        Assert.Equal(expected, TenantId.TryParse(header, out _));

    [Fact]
    public void SameTenantTwice_IsThatTenant()
    {
        Assert.Equal(TenantIdError.None, TenantId.TryParse("ops|ops", out var tenant));
        Assert.Equal("ops", tenant.Value);
    }

    [Theory]
    [InlineData("é", "tenant ID 'é' contains unsupported character 'Ã'")] // Go prints the first byte as a character
    [InlineData("ok|n o", "tenant ID 'n o' contains unsupported character ' '")]
    public void UnsupportedCharacter_IsNamedAsGoPrintsIt(string header, string text) =>
        Assert.Equal(text, TenantId.ErrorText(TenantId.TryParse(header, out _), header));

    [Fact]
    public void EveryLengthUpTo150_IsTaken_AndNoneAbove()
    {
        for (var length = 1; length <= 300; length++)
            Assert.Equal(length <= 150 ? TenantIdError.None : TenantIdError.TooLong, TenantId.TryParse(new string('t', length), out _));
    }
}
