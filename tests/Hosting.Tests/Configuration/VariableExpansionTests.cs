// ${VAR}: what an environment holds may fill a value but never change the structure of the file around it.
using FsCheck.Xunit;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Hosting.Tests.Configuration;

public sealed class VariableExpansionTests
{
    [Theory]
    [InlineData("a: ${NODE}\n", "n1")]
    [InlineData("a: \"x-${NODE}-y\"\n", "x-n1-y")]
    [InlineData("a: ${NONE:fallback}\n", "fallback")]
    [InlineData("a: ${NONE:-fallback}\n", "fallback")]
    [InlineData("a: ${EMPTY:fallback}\n", "fallback")]
    [InlineData("a: '${NONE:}'\n", "")]
    [InlineData("a: ${EMPTY}\n", "")]
    [InlineData("a: $${NODE}\n", "${NODE}")]
    [InlineData("a: pa$$word$\n", "pa$$word$")]
    [InlineData("a: ${NONE:http://h:3100/p}\n", "http://h:3100/p")]
    [InlineData("{a: ${NONE:x, y [z]}}\n", "x, y [z]")]
    [InlineData("a: ${NODE}${NODE} # ${UNKNOWN} in a comment is nobody's business\n", "n1n1")]
    public void Reference_IsExpandedInValues(string yaml, string expected)
    {
        ConfigurationFile file = ConfigurationFileTests.Parse(yaml, ("NODE", "n1"), ("EMPTY", ""));

        Assert.Equal(expected, file.Root.String("a", "unset", "A."));
        file.Finish();
    }

    [Fact]
    public void UnsetVariable_IsAnErrorWithItsNameAndLine()
    {
        ConfigurationFile file = ConfigurationFileTests.Parse("x: 1\nnode: ${NODE_NAME}\n");
        file.Root.Integer("x", 0, 0, 9, "X.");
        file.Root.String("node", "", "N.");

        Assert.Equal(
            ["f.yaml:2:7: the environment variable NODE_NAME is not set; set it, or give a default: ${NODE_NAME:default}"],
            ConfigurationFileTests.Errors(file));
    }

    [Theory]
    [InlineData("${1A}")]
    [InlineData("${}")]
    [InlineData("${a b}")]
    public void WhatIsNoName_IsRefusedWithTheWayOut(string reference)
    {
        ConfigurationFile file = ConfigurationFileTests.Parse($"a: {reference}\n");
        file.Root.String("a", "", "A.");

        Assert.Contains("$${ for a literal ${", Assert.Single(ConfigurationFileTests.Errors(file)));
    }

    [Fact]
    public void PositionsAfterAReference_AreThoseOfTheFile()
    {
        ConfigurationFile file = ConfigurationFileTests.Parse("{a: ${LONG:default value}, b: no}\n", ("LONG", new string('x', 500)));
        file.Root.String("a", "", "A.");
        file.Root.Integer("b", 0, 0, 9, "B.");

        Assert.Equal(["f.yaml:1:31: b: expected a whole number, found \"no\""], ConfigurationFileTests.Errors(file));
    }

    [Fact]
    public void KeysAreNotExpanded()
    {
        ConfigurationFile file = ConfigurationFileTests.Parse("labels: {\"${NODE}\": x}\n", ("NODE", "n1"));

        Assert.Equal("${NODE}", Assert.Single(file.Root.StringMap("labels", "L.")).Key);
        file.Finish();
    }

    // "~" is what a run of the property below once found.
    [Theory]
    [InlineData("~")]
    [InlineData("null")]
    [InlineData("{d: 8}")]
    [InlineData("x # y")]
    public void ContentThatLooksLikeYaml_StaysText(string content) => Assert.True(ContentOfAVariable_NeverChangesTheStructure(content));

    [Property(MaxTest = 300)]
    public bool ContentOfAVariable_NeverChangesTheStructure(string content)
    {
        if (string.IsNullOrEmpty(content)) return true;
        ConfigurationFile file = ConfigurationFileTests.Parse("a: ${V}\nb: {c: ${V}, d: 7}\n", ("V", content));
        ConfigurationSection b = file.Root.Section("b", "B.");
        bool same = file.Root.String("a", "", "A.") == content && b.String("c", "", "C.") == content && b.Integer("d", 0, 0, 9, "D.") == 7;
        file.Finish();
        return same;
    }
}
