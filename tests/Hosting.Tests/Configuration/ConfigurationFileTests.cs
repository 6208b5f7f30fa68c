// The strictness that operators rely on: each kind of mistake gives one line with position, key and what to do, and all mistakes come at
// once.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Testing;

namespace LokiGateway.Hosting.Tests.Configuration;

public sealed class ConfigurationFileTests
{
    [Fact]
    public void UnknownKey_NamesPositionPathAndNearestKey()
    {
        ConfigurationFile file = Parse("endpoint:\n  batch_szie: 1MiB\n");
        file.Root.Section("endpoint", "Where to.").Size("batch_size", 1, 1, 1 << 20, "Size.");

        Assert.Equal(["f.yaml:2:3: endpoint.batch_szie: unknown key; did you mean \"batch_size\"?"], Errors(file));
    }

    [Fact]
    public void UnknownKey_ThatIsKnownElsewhere_SaysWhere()
    {
        ConfigurationFile file = Parse("batch_size: 1MiB\n");
        file.Root.Section("endpoint", "Where to.").Size("batch_size", 1, 1, 1 << 20, "Size.");

        Assert.Equal(["f.yaml:1:1: batch_size: unknown key; it belongs under \"endpoint\""], Errors(file));
    }

    [Fact]
    public void UnknownSection_IsReportedOnceAndNotPerKeyInside()
    {
        ConfigurationFile file = Parse("endpoints:\n  url: x\n  more: y\n");
        file.Root.Section("endpoint", "Where to.").OptionalString("url", "Address.");

        Assert.Equal(["f.yaml:1:1: endpoints: unknown key; did you mean \"endpoint\"?"], Errors(file));
    }

    [Fact]
    public void AllErrors_ComeAtOnceAndInFileOrder()
    {
        ConfigurationFile file = Parse("c: maybe\na: ten\nb: 5 minutes\nz: 1\n");
        file.Root.Integer("a", 1, 0, 9, "A.");
        file.Root.Duration("b", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.MaxValue, "B.");
        file.Root.Boolean("c", true, "C.");

        Assert.Equal(
            [
                "f.yaml:1:4: c: expected true or false, found \"maybe\"",
                "f.yaml:2:4: a: expected a whole number, found \"ten\"",
                "f.yaml:3:4: b: \"5 minutes\" is not a duration: write for example 500ms, 30s, 5m, 1h30m or 7d",
                "f.yaml:4:1: z: unknown key; did you mean \"a\" or \"b\" or \"c\"?",
            ],
            Errors(file));
    }

    [Fact]
    public void DuplicateKey_NamesTheFirstLine()
    {
        ConfigurationFile file = Parse("a: 1\nb: 2\na: 3\n");
        Assert.Equal(1, file.Root.Integer("a", 0, 0, 9, "A."));
        file.Root.Integer("b", 0, 0, 9, "B.");

        Assert.Equal(["f.yaml:3:1: the key \"a\" stands here for the second time; the first is on line 1"], Errors(file));
    }

    [Fact]
    public void TabIndentation_IsNamedAsSuch()
    {
        var refused = Assert.Throws<ConfigurationException>(() => Parse("a:\n\tb: 1\n"));

        Assert.Contains("line 2 is indented with a tab; YAML is indented with spaces only", Assert.Single(refused.Errors));
    }

    [Theory]
    [InlineData("a: [1, 2\nb: 3\n")]
    [InlineData("a: \"open\n")]
    [InlineData("a: b: c\n")]
    [InlineData("? [complex]\n: 1\n")]
    [InlineData("a: *nowhere\n")]
    [InlineData("- a list\n- at the top\n")]
    [InlineData("just text\n")]
    [InlineData("a: &x [*x]\n")]
    [InlineData("a: 1\n<<: 5\n")]
    public void BrokenYaml_IsOneErrorWithAPosition(string yaml)
    {
        var refused = Assert.Throws<ConfigurationException>(() => Parse(yaml));

        Assert.Matches(@"^f\.yaml:\d+:\d+: .{10,}", Assert.Single(refused.Errors));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment\n")]
    [InlineData("---\n")]
    [InlineData("~\n")]
    public void EmptyFile_IsAConfigurationOfDefaults(string yaml)
    {
        ConfigurationFile file = Parse(yaml);

        Assert.Equal(7, file.Root.Integer("a", 7, 0, 9, "A."));
        file.Finish();
    }

    [Fact]
    public void SecondDocument_IsRefused()
    {
        var refused = Assert.Throws<ConfigurationException>(() => Parse("a: 1\n---\na: 2\n"));

        Assert.Equal("f.yaml:2:1: a second document begins here; the file must hold exactly one", Assert.Single(refused.Errors));
    }

    [Fact]
    public void AnchorsAliasesAndMergeKeys_WorkAsInLokisOverrides()
    {
        ConfigurationFile file = Parse("base: &b {x: 1, y: 2}\nother: &o {z: 4}\na: *b\nc:\n  <<: [*b, *o]\n  y: 3\n");
        foreach (string name in new[] { "base", "other", "a" })
        {
            foreach (string key in new[] { "x", "y", "z" }) file.Root.Section(name, "S.").Integer(key, 0, 0, 9, "K.");
        }

        ConfigurationSection merged = file.Root.Section("c", "C.");
        Assert.Equal((1, 3, 4), (merged.Integer("x", 0, 0, 9, "X."), merged.Integer("y", 0, 0, 9, "Y."),
            merged.Integer("z", 0, 0, 9, "Z.")));
        Assert.Equal(2, file.Root.Section("a", "S.").Integer("y", 0, 0, 9, "K."));
        file.Finish();
    }

    [Fact]
    public void AliasBomb_IsRefusedQuickly()
    {
        var yaml = new System.Text.StringBuilder("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int level = 1; level < 20; level++)
            yaml.Append($"l{level}: &l{level} [{string.Join(", ", Enumerable.Repeat($"*l{level - 1}", 10))}]\n");

        var refused = Assert.Throws<ConfigurationException>(() => Parse(yaml.ToString()));

        Assert.Contains("the aliases expand to more than", Assert.Single(refused.Errors));
    }

    [Theory]
    [InlineData('[')]
    [InlineData('{')]
    public void DeepNesting_IsRefusedAndDoesNotOverflowTheStack(char bracket)
    {
        var refused = Assert.Throws<ConfigurationException>(() => Parse("a: " + new string(bracket, 500_000)));

        Assert.Matches("nested more than 32 levels deep|expected a key", Assert.Single(refused.Errors));
    }

    [Fact]
    public void FileOverTheLimit_IsRefused()
    {
        using var directory = new TempDirectory();
        string path = directory.Write("big.yaml", "a: " + new string('x', 1 << 20));

        var refused = Assert.Throws<ConfigurationException>(() => ConfigurationFile.Load(path));

        Assert.Contains("is larger than 1MiB", refused.Message);
    }

    [Fact]
    public void MissingFileDirectoryAndBinary_AreSaidInWords()
    {
        using var directory = new TempDirectory();
        string binary = directory.File("binary.yaml");
        File.WriteAllBytes(binary, [0x61, 0x3a, 0x20, 0xff, 0xfe]);

        Assert.EndsWith("there is no such file",
            Assert.Throws<ConfigurationException>(() => ConfigurationFile.Load(directory.File("none.yaml"))).Message);
        Assert.EndsWith("there is no such file",
            Assert.Throws<ConfigurationException>(() => ConfigurationFile.Load(directory.Path + "/no/none.yaml")).Message);
        Assert.EndsWith("is a directory", Assert.Throws<ConfigurationException>(() => ConfigurationFile.Load(directory.Path)).Message);
        Assert.EndsWith("is not UTF-8 text (byte 3)", Assert.Throws<ConfigurationException>(() => ConfigurationFile.Load(binary)).Message);
    }

    [Fact]
    public void ByteOrderMark_IsIgnored()
    {
        using var directory = new TempDirectory();
        string path = directory.File("bom.yaml");
        File.WriteAllText(path, "a: 5\n", new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: true));

        ConfigurationFile file = ConfigurationFile.Load(path);

        Assert.Equal(5, file.Root.Integer("a", 0, 0, 9, "A."));
        file.Finish();
    }

    [Fact]
    public void RequiredKeys_AreReportedTogetherWithTheirMeaning()
    {
        ConfigurationFile file = Parse("endpoint: {}\n");
        ConfigurationSection endpoint = file.Root.Section("endpoint", "Where to.");
        endpoint.RequiredUri("url", "Where pushes go.");
        endpoint.RequiredString("tenant", "Whose they are.");
        file.Root.RequiredChoice("mode", new Dictionary<string, int> { ["trust"] = 1 }, "How.");

        Assert.Equal(
            [
                "f.yaml:1:1: mode: is required: How.",
                "f.yaml:1:11: endpoint.url: is required: Where pushes go.",
                "f.yaml:1:11: endpoint.tenant: is required: Whose they are.",
            ],
            Errors(file));
    }

    [Fact]
    public void WrongShapes_SayWhatWasExpectedAndFound()
    {
        ConfigurationFile file = Parse("a: [1]\nb: text\nc: {x: 1}\nd: {k: [1]}\ne: [[1]]\nf: [text]\ng: {t: 5}\n");
        file.Root.Integer("a", 0, 0, 9, "A.");
        file.Root.Section("b", "B.");
        file.Root.Strings("c", "C.");
        file.Root.StringMap("d", "D.");
        file.Root.Strings("e", "E.");
        file.Root.Sections("f", "F.");
        file.Root.NamedSections("g", "G.");

        Assert.Equal(
            [
                "f.yaml:1:4: a: expected an integer, found a list",
                "f.yaml:2:4: b: expected a map, found \"text\"",
                "f.yaml:3:4: c: expected a list, found a map",
                "f.yaml:4:8: d.k: expected a text, found a list",
                "f.yaml:5:5: e[0]: expected a text, found a list",
                "f.yaml:6:5: f[0]: expected a map, found \"text\"",
                "f.yaml:7:8: g.t: expected a map, found \"5\"",
            ],
            Errors(file));
    }

    [Theory]
    [InlineData("0", "must be at least 1, found 0")]
    [InlineData("10", "must be at most 9, found 10")]
    [InlineData("99999999999999999999", "expected a whole number, found \"99999999999999999999\"")]
    [InlineData("010", "\"010\" is ambiguous in YAML; write it without the leading zero")]
    [InlineData("1.5", "expected a whole number, found \"1.5\"")]
    [InlineData("0x5", "expected a whole number, found \"0x5\"")]
    public void IntegerOutOfRange_SaysTheBound(string value, string expected)
    {
        ConfigurationFile file = Parse($"a: {value}\n");
        Assert.Equal(5, file.Root.Integer("a", 5, 1, 9, "A."));

        Assert.Equal([$"f.yaml:1:4: a: {expected}"], Errors(file));
    }

    [Fact]
    public void ChoicesUrlsAndAddresses_AreChecked()
    {
        ConfigurationFile file = Parse("kind: locl\nurl: loki:3100\nlisten: 0.0.0.0\nport: \"127.0.0.1:70000\"\nnumber: .inf\n");
        file.Root.Choice("kind", 1, new Dictionary<string, int> { ["local"] = 1, ["redis"] = 2 }, "Kind.");
        file.Root.OptionalUri("url", "Url.");
        file.Root.Listen("listen", ":1", "Listen.");
        file.Root.Listen("port", ":1", "Listen.");
        file.Root.Number("number", 0, 0, 9, "Number.");

        Assert.Equal(
            [
                "f.yaml:1:7: kind: expected one of local, redis, found \"locl\"; did you mean \"local\"?",
                "f.yaml:2:6: url: expected an absolute http:// or https:// address, found \"loki:3100\"",
                "f.yaml:3:9: listen: \"0.0.0.0\" is not an address to listen on: write host:port, for example 0.0.0.0:9080 or 127.0.0.1:0",
                "f.yaml:4:7: port: \"127.0.0.1:70000\" needs a port from 0 to 65535 after the colon",
                "f.yaml:5:9: number: expected a number, found \".inf\"",
            ],
            Errors(file));
    }

    [Fact]
    public void SecretThatIsRefused_IsNotRepeatedInTheMessage()
    {
        ConfigurationFile file = Parse("password: [hunter2]\n");
        file.Root.OptionalString("password", "P.", secret: true);

        Assert.DoesNotContain("hunter2", string.Join('\n', Errors(file)));
    }

    [Fact]
    public void MaskedYaml_ShowsWhatIsInForceAndHidesSecrets()
    {
        ConfigurationFile file = Parse("name: \"a: b\"\npassword: hunter2\nurl: http://u:pw@h/p\nlist:\n- x: 1\n- x: 2\nnamed: {t: {x: 3}}\nwords: [p, \"q r\"]\n");
        file.Root.String("name", "", "N.");
        file.Root.OptionalString("password", "P.", secret: true);
        file.Root.OptionalUri("url", "U.");
        foreach (ConfigurationSection item in file.Root.Sections("list", "L.")) item.Integer("x", 0, 0, 9, "X.");
        foreach ((_, ConfigurationSection item) in file.Root.NamedSections("named", "L.")) item.Integer("x", 0, 0, 9, "X.");
        file.Root.Strings("words", "W.");
        file.Root.Section("nested", "N.").Duration("wait", TimeSpan.FromSeconds(90), TimeSpan.Zero, TimeSpan.MaxValue, "W.");
        file.Finish();

        string yaml = file.ToMaskedYaml();

        Assert.Equal(
            "name: \"a: b\"\npassword: \"********\"\nurl: http://********@h/p\nlist:\n  - x: 1\n  - x: 2\nnamed:\n  t:\n    x: 3\nwords: [p, q r]\nnested:\n  wait: 1m30s\n",
            yaml);
        // It is YAML that the same program reads again.
        Assert.Equal("a: b", Parse(yaml).Root.String("name", "", "N."));
    }

    [Fact]
    public void ForDocumentation_AsksEveryKeyAlsoInsideListsAndRequiredOnes()
    {
        ConfigurationFile file = ConfigurationFile.ForDocumentation();
        foreach (ConfigurationSection item in file.Root.Sections("list", "L.")) item.RequiredUri("url", "U.");
        foreach ((_, ConfigurationSection item) in file.Root.NamedSections("named", "N.")) item.RequiredString("x", "X.");
        file.Finish();

        Assert.Equal(["list[]", "list[].url", "named.<name>", "named.<name>.x"], file.AskedKeys.Select(static key => key.Path));
    }

    [Fact]
    public void ErrorOfTheCaller_PointsAtTheKey()
    {
        ConfigurationFile file = Parse("a: 1\nb:\n  c: 2\n");
        file.Root.Integer("a", 0, 0, 9, "A.");
        ConfigurationSection b = file.Root.Section("b", "B.");
        b.Integer("c", 0, 0, 9, "C.");
        b.Error("c", "must be smaller than a");

        Assert.Equal(["f.yaml:3:6: b.c: must be smaller than a"], Errors(file));
    }

    [Property(MaxTest = 2000, Arbitrary = [typeof(BrokenTexts)])]
    public void AnyText_IsReadOrRefusedWithAPosition(BrokenText text)
    {
        try
        {
            Parse(text.Yaml).Root.Integer("a", 0, 0, 9, "A.");
        }
        catch (ConfigurationException refused)
        {
            Assert.All(refused.Errors, static error => Assert.Matches(@"^f\.yaml:(\d+:\d+: )?.", error));
        }
    }

    public sealed record BrokenText(string Yaml);

    public static class BrokenTexts
    {
        // Shuffled pieces of YAML reach far more of the scanner than random letters do.
        private static readonly string[] Pieces =
            ["a", ": ", "\n", "\n  ", "\t", "- ", "[", "]", "{", "}", ", ", "\"", "'", "|\n", ">\n", "&x ", "*x", "<<: ", "? ", "!t ",
                "# c", "---\n", "...\n", "%", "${V}", "\u0000", "\u2028"];

        public static Arbitrary<BrokenText> BrokenText() =>
            Arb.From(Gen.Elements(Pieces).ListOf().Select(static pieces => new BrokenText(string.Concat(pieces))));
    }

    internal static ConfigurationFile Parse(string yaml, params (string Name, string Value)[] environment) =>
        ConfigurationFile.Parse(yaml, "f.yaml", name => environment.FirstOrDefault(pair => pair.Name == name).Value);

    internal static IReadOnlyList<string> Errors(ConfigurationFile file) => Assert.Throws<ConfigurationException>(file.Finish).Errors;
}
