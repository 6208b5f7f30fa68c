// The labels of a stream in one canonical form, so that two spellings of a stream are one stream wherever streams are counted or stored.
using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace LokiGateway.Protocol.Labels;

/// <summary>
/// An immutable, canonical set of labels: sorted by name, empty values dropped. A name that occurs twice stays twice, for the validation that
/// refuses it. Equal sets have equal <see cref="Text"/> and <see cref="Hash"/>, in every process.
/// </summary>
public sealed class LabelSet : IEquatable<LabelSet>
{
    private readonly byte[] utf8;
    private readonly KeyValuePair<string, string>[] pairs;

    private LabelSet(byte[] utf8, KeyValuePair<string, string>[] pairs)
    {
        this.utf8 = utf8;
        this.pairs = pairs;
        Hash = XxHash64.Hash(utf8);
    }

    /// <summary><c>{app="a", env="x"}</c>, values quoted as Go's strconv.Quote does. A new string each time: most sets are only ever written to a push.</summary>
    public string Text => Encoding.UTF8.GetString(utf8);

    /// <summary><see cref="Text"/> in UTF-8.</summary>
    public ReadOnlySpan<byte> Utf8 => utf8;

    /// <summary>XXH64 of <see cref="Utf8"/>.</summary>
    public ulong Hash { get; }

    /// <summary>The labels in canonical order. Bytes of a value that are not UTF-8 read as U+FFFD here; <see cref="Text"/> keeps them.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Pairs => pairs;

    /// <summary>The value of a label, the first one where the name occurs twice; null when there is none.</summary>
    public string? this[string name]
    {
        get
        {
            foreach (var pair in pairs)
            {
                if (pair.Key == name)
                    return pair.Value;
            }

            return null;
        }
    }

    /// <summary>Makes a set of labels that need no parsing. Names must be <c>[a-zA-Z_][a-zA-Z0-9_]*</c>.</summary>
    public static LabelSet Of(IEnumerable<KeyValuePair<string, string>> labels)
    {
        var list = new List<Label>();
        foreach (var (name, value) in labels)
        {
            if (!IsName(name))
                throw new ArgumentException($"label name {GoQuote.Quote(Encoding.UTF8.GetBytes(name))} is not [a-zA-Z_][a-zA-Z0-9_]*", nameof(labels));
            list.Add(new Label(name, Encoding.UTF8.GetBytes(value)));
        }

        return Canonical(list);
    }

    /// <summary>
    /// Parses a label string by the grammar of Loki 3.2.1 (Prometheus' metric grammar). The error is worded as Loki's, from the position on:
    /// <c>1:4: parse error: unexpected "="</c>.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out LabelSet? labels, [NotNullWhen(false)] out string? error)
    {
        var list = new List<Label>();
        error = LabelParser.Parse(text, list);
        labels = error is null ? Canonical(list) : null;
        return error is null;
    }

    public bool Equals(LabelSet? other) => other is not null && Hash == other.Hash && utf8.AsSpan().SequenceEqual(other.utf8);

    public override bool Equals(object? obj) => Equals(obj as LabelSet);

    public override int GetHashCode() => Hash.GetHashCode();

    public override string ToString() => Text;

    internal static bool IsName(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty || char.IsAsciiDigit(name[0]))
            return false;
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_')
                return false;
        }

        return true;
    }

    // Loki sorts, then removes every label whose name has an empty value somewhere.
    private static LabelSet Canonical(List<Label> list)
    {
        var kept = list.Where(label => !list.Exists(other => other.Value.Length == 0 && other.Name == label.Name))
            .OrderBy(label => label.Name, StringComparer.Ordinal)
            .ToArray();
        var text = new ArrayBufferWriter<byte>(64);
        text.Write("{"u8);
        foreach (var label in kept)
        {
            if (text.WrittenCount > 1)
                text.Write(", "u8);
            Encoding.ASCII.GetBytes(label.Name, text);
            text.Write("="u8);
            GoQuote.Append(text, label.Value);
        }

        text.Write("}"u8);
        return new LabelSet(
            text.WrittenSpan.ToArray(),
            [.. kept.Select(label => KeyValuePair.Create(label.Name, Encoding.UTF8.GetString(label.Value)))]);
    }
}

/// <summary>One label; the value as bytes, because an escape may spell bytes that are not UTF-8.</summary>
internal readonly record struct Label(string Name, byte[] Value);
