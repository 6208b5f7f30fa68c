// Go's words for every way a Content-Type can be wrong, taken from running mime.ParseMediaType's rules by hand.
using LokiGateway.Gateway.Receive;

namespace LokiGateway.Gateway.Tests.Receive;

public sealed class MediaTypeTests
{
    [Theory]
    [InlineData("application/json", "application/json")]
    [InlineData("application/json; charset=utf-8", "application/json")]
    [InlineData("Application/JSON ; a=\"x;y\\\"z\" ; b=c;", "application/json")]
    [InlineData("text/plain; a=b; a=b", "text/plain")]
    [InlineData("text", "text")]
    public void ValidType_LosesItsParameters(string header, string expected)
    {
        Assert.True(MediaType.TryParse(header, out string type, out string error), error);
        Assert.Equal(expected, type);
    }

    [Theory]
    [InlineData(null, "mime: no media type")]
    [InlineData("", "mime: no media type")]
    [InlineData(";a=b", "mime: no media type")]
    [InlineData("a b", "mime: expected slash after first token")]
    [InlineData("a/", "mime: expected token after slash")]
    [InlineData("a/b c", "mime: unexpected content after media subtype")]
    [InlineData("a/b; charsetutf-8", "mime: invalid media parameter")]
    [InlineData("a/b; a=\"open", "mime: invalid media parameter")]
    [InlineData("a/b; a=", "mime: invalid media parameter")]
    [InlineData("a/b; a=b; A=c", "mime: duplicate parameter name")]
    public void InvalidType_IsRefusedInGosWords(string? header, string expected)
    {
        Assert.False(MediaType.TryParse(header, out _, out string error));
        Assert.Equal(expected, error);
    }
}
