// Addresses to listen on: the four usual spellings, and a hint for the rest.
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Hosting.Tests.Configuration;

public sealed class ListenAddressTests
{
    [Theory]
    [InlineData("0.0.0.0:9080", "0.0.0.0:9080")]
    [InlineData("127.0.0.1:0", "127.0.0.1:0")]
    [InlineData("localhost:80", "127.0.0.1:80")]
    [InlineData(":9080", "[::]:9080")]
    [InlineData("*:9080", "[::]:9080")]
    [InlineData("[::1]:9080", "[::1]:9080")]
    public void UsualSpellings_AreRead(string text, string expected)
    {
        Assert.True(ListenAddress.TryParse(text, out System.Net.IPEndPoint? endpoint, out string error), error);
        Assert.Equal(expected, endpoint.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("9080")]
    [InlineData("host.example:9080")]
    [InlineData("1.2.3.4:")]
    [InlineData("1.2.3.4:-1")]
    [InlineData("::1:9080")]
    [InlineData("1.2.3.4:65536")]
    public void TheRest_IsRefusedWithAReason(string text)
    {
        Assert.False(ListenAddress.TryParse(text, out _, out string error));
        Assert.NotEmpty(error);
    }
}
