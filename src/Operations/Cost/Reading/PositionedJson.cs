// JSON as a tree that remembers where everything stood: the standard DOM does not, and "cost is not a number" without a line helps nobody in a file of OpenCost.
using System.Text;
using System.Text.Json;

namespace LokiGateway.Operations.Cost.Reading;

/// <summary>One value. Files here are answers of an API of some megabytes; <see cref="FileBytesMax"/> bounds them.</summary>
internal sealed class PositionedJson
{
    public const int FileBytesMax = 128 << 20;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = 32, CommentHandling = JsonCommentHandling.Disallow };

    private readonly List<(string Name, PositionedJson Value)> _properties = [];
    private readonly List<PositionedJson> _items = [];
    private readonly byte[] _file;
    private readonly int _offset;

    private PositionedJson(byte[] file, long offset, JsonTokenType kind) => (_file, _offset, Kind) = (file, (int)offset, kind);

    /// <summary>StartObject, StartArray, String, Number, True, False or Null.</summary>
    public JsonTokenType Kind { get; }

    /// <summary>Of a text or a number, as it is written.</summary>
    public string Text { get; private init; } = "";

    public IReadOnlyList<(string Name, PositionedJson Value)> Properties => _properties;

    public IReadOnlyList<PositionedJson> Items => _items;

    public PositionedJson? this[string name] => _properties.FirstOrDefault(property => property.Name == name).Value;

    /// <summary>Line and column of the value, from 1; counted when asked for.</summary>
    public (long Line, long Column) Position => PositionOf(_file, _offset);

    /// <summary>Throws <see cref="CostException"/> with file, line and column for what is not JSON.</summary>
    public static PositionedJson Parse(byte[] file, string name)
    {
        if (file.AsSpan().StartsWith(Encoding.UTF8.Preamble)) file = file[Encoding.UTF8.Preamble.Length..];
        var reader = new Utf8JsonReader(file, Options);
        try
        {
            reader.Read();
            PositionedJson root = Read(ref reader, file);
            reader.Read();
            return root;
        }
        catch (JsonException broken)
        {
            throw new CostException($"{name}:{broken.LineNumber + 1}:{broken.BytePositionInLine + 1}: is not valid JSON: {Reason(broken)}", broken);
        }
    }

    /// <summary>A bad row at this value.</summary>
    public BadRow Bad(string file, string message)
    {
        (long line, long column) = Position;
        return new BadRow(file, line, column, message);
    }

    private static PositionedJson Read(ref Utf8JsonReader reader, byte[] file)
    {
        JsonTokenType kind = reader.TokenType;
        var value = new PositionedJson(file, reader.TokenStartIndex, kind)
        {
            Text = kind switch
            {
                JsonTokenType.String => reader.GetString()!,
                JsonTokenType.Number => Encoding.UTF8.GetString(reader.ValueSpan),
                _ => "",
            },
        };
        if (kind == JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) value._items.Add(Read(ref reader, file));
        }
        else if (kind == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString()!;
                reader.Read();
                value._properties.Add((name, Read(ref reader, file)));
            }
        }

        return value;
    }

    // The library's texts end in positions that count from zero.
    private static string Reason(JsonException broken)
    {
        int end = broken.Message.IndexOf(" LineNumber", StringComparison.Ordinal);
        return end < 0 ? broken.Message : broken.Message[..end].TrimEnd('.');
    }

    private static (long Line, long Column) PositionOf(ReadOnlySpan<byte> file, int offset)
    {
        ReadOnlySpan<byte> before = file[..offset];
        int newline = before.LastIndexOf((byte)'\n');
        return (before.Count((byte)'\n') + 1, Encoding.UTF8.GetCharCount(before[(newline + 1)..]) + 1);
    }
}
