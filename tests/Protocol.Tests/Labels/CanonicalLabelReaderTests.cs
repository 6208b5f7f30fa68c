// The walk over canonical label strings against the parser.
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.Protocol.Tests.Labels;

public sealed class CanonicalLabelReaderTests
{
    [Property(MaxTest = 300)]
    public Property AnyLabels_AreReadAsTheParserReadsThem() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), static seed =>
        {
            var random = new Random(seed);
            string[] pieces = ["\"", "\\", ", ", "=", "{", "}", "a", "é", "\n", "\u0001", "日", "x=\"y\"", "\\\""];
            LabelSet labels = LabelSet.Of(Enumerable.Range(0, random.Next(0, 8)).Select(i => KeyValuePair.Create(
                $"l{i}_{random.Next(3)}", string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => pieces[random.Next(pieces.Length)])))));
            var reader = new CanonicalLabelReader(labels.Utf8);
            var seen = new List<(string Name, ulong Value)>();
            while (reader.TryRead(out ReadOnlySpan<byte> name, out ulong value)) seen.Add((Encoding.UTF8.GetString(name), value));
            if (!seen.Select(static one => one.Name).SequenceEqual(labels.Pairs.Select(static pair => pair.Key))) return false;
            // Equal values have equal hashes whatever stands around them.
            return seen.Zip(labels.Pairs).All(static both => both.First.Value == HashOf(both.Second.Value));
        });

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{a=\"b")]
    [InlineData("{a=\"b\\")]
    [InlineData("{a=")]
    [InlineData("{a")]
    [InlineData("a=b")]
    public void TextThatIsNotCanonical_EndsTheWalk(string text)
    {
        var reader = new CanonicalLabelReader(Encoding.UTF8.GetBytes(text));
        Assert.False(reader.TryRead(out _, out _));
    }

    private static ulong HashOf(string value)
    {
        var reader = new CanonicalLabelReader(LabelSet.Of([KeyValuePair.Create("other", value)]).Utf8);
        Assert.True(reader.TryRead(out _, out ulong hash));
        return hash;
    }
}
