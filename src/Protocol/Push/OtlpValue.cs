// The size of an OTLP AnyValue in the two ways in which Loki writes it down: as text (a body), and flattened into structured metadata (an
// attribute), where every leaf of a map has the names on the way to it, joined by underscores.
using System.Buffers.Binary;
using System.Globalization;

namespace LokiGateway.Protocol.Push;

/// <summary>What is known of a value's size. <c>default</c> is the empty value: no text.</summary>
internal struct OtlpValue
{
    private enum Shape
    {
        Empty,

        /// <summary>A number or boolean.</summary>
        Bare,

        /// <summary>A string or bytes: quoted where it stands inside JSON.</summary>
        Quoted,
        Array,
        Map,
    }

    private Shape shape;

    /// <summary>Bytes of the value as text.</summary>
    public long TextBytes { get; private set; }

    /// <summary>Leaves of a map, or pairs added to a list of attributes.</summary>
    public long Leaves { get; private set; }

    /// <summary>Bytes of those leaves, names and values, below this value.</summary>
    public long LeafBytes { get; private set; }

    public static OtlpValue OfText(long bytes) => new() { shape = Shape.Quoted, TextBytes = bytes };

    public static OtlpValue OfNumber(long bytes) => new() { shape = Shape.Bare, TextBytes = bytes };

    /// <summary>Bytes are written in base64.</summary>
    public static OtlpValue OfBytes(long bytes) => OfText((bytes + 2) / 3 * 4);

    public static OtlpValue EmptyArray() => new() { shape = Shape.Array, TextBytes = 2 };

    public static OtlpValue EmptyMap() => new() { shape = Shape.Map, TextBytes = 2 };

    /// <summary>Adds an element to an array.</summary>
    public void AddElement(in OtlpValue element) => TextBytes += (TextBytes > 2 ? 1 : 0) + element.JsonBytes;

    /// <summary>Adds a pair to a map, or to a list of attributes.</summary>
    public void AddPair(long keyBytes, in OtlpValue value)
    {
        TextBytes += (TextBytes > 2 ? 1 : 0) + keyBytes + 3 + value.JsonBytes;
        var isMap = value.shape == Shape.Map;
        Leaves += isMap ? value.Leaves : 1;
        LeafBytes += isMap ? value.LeafBytes + (value.Leaves * (keyBytes + 1)) : keyBytes + value.TextBytes;
    }

    /// <summary>Adds the bytes of all attributes in a resource or scope.</summary>
    public static PushError TryReadAttributes(ReadOnlySpan<byte> message, int attributesField, ref long attributeBytes)
    {
        OtlpValue attributes = default;
        var cursor = new ProtobufCursor(message);
        while (cursor.TryReadTag(out var field, out var wireType))
        {
            if (field != attributesField)
            {
                cursor.TrySkip(wireType);
            }
            else if (wireType != ProtobufCursor.WireBytes)
            {
                return PushError.WrongWireType;
            }
            else if (cursor.TryReadBytes(out var pair))
            {
                var error = TryReadPair(pair, 0, ref attributes);
                if (error != PushError.None)
                    return error;
            }

            if (cursor.Error != PushError.None)
                return cursor.Error;
        }

        attributeBytes += attributes.LeafBytes;
        return cursor.Error;
    }

    // message KeyValue { string key = 1; AnyValue value = 2; }
    public static PushError TryReadPair(ReadOnlySpan<byte> message, int depth, ref OtlpValue map)
    {
        long keyBytes = 0;
        OtlpValue value = default;
        var fields = new OtlpFields(message);
        while (fields.TryReadBytes(2, out var field, out var bytes))
        {
            if (field == 1)
                keyBytes = bytes.Length;
            else
                fields.Check(TryRead(bytes, depth, ref value));
        }

        if (fields.Error == PushError.None)
            map.AddPair(keyBytes, value);
        return fields.Error;
    }

    // message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    //                    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; } }
    /// <summary>Reads a value over an earlier one: of several, the last counts.</summary>
    public static PushError TryRead(ReadOnlySpan<byte> message, int depth, ref OtlpValue value)
    {
        if (depth > OtlpLogs.ValueDepthMax)
            return PushError.TooDeep;
        var cursor = new ProtobufCursor(message);
        while (cursor.TryReadTag(out var field, out var wireType))
        {
            if (field > 7)
            {
                cursor.TrySkip(wireType);
            }
            else if (wireType != WireTypeOf(field))
            {
                return PushError.WrongWireType;
            }
            else if (wireType == ProtobufCursor.WireVarint)
            {
                if (cursor.TryReadVarint(out var number))
                    value = OfNumber(field == 2 ? (number != 0 ? 4 : 5) : IntegerBytes((long)number));
            }
            else if (wireType == ProtobufCursor.WireFixed64)
            {
                if (cursor.TryReadFixed(8, out var bits))
                    value = OfNumber(DoubleBytes(BinaryPrimitives.ReadDoubleLittleEndian(bits)));
            }
            else if (cursor.TryReadBytes(out var bytes))
            {
                var error = TryReadNested(field, bytes, depth, ref value);
                if (error != PushError.None)
                    return error;
            }

            if (cursor.Error != PushError.None)
                return cursor.Error;
        }

        return cursor.Error;
    }

    // message ArrayValue { repeated AnyValue values = 1; }   message KeyValueList { repeated KeyValue values = 1; }
    private static PushError TryReadNested(int field, ReadOnlySpan<byte> bytes, int depth, ref OtlpValue value)
    {
        switch (field)
        {
            case 1:
                value = OfText(bytes.Length);
                return PushError.None;
            case 7:
                value = OfBytes(bytes.Length);
                return PushError.None;
        }

        value = field == 5 ? EmptyArray() : EmptyMap();
        var fields = new OtlpFields(bytes);
        while (fields.TryReadBytes(1, out _, out var item))
        {
            if (field == 6)
            {
                fields.Check(TryReadPair(item, depth + 1, ref value));
                continue;
            }

            OtlpValue element = default;
            fields.Check(TryRead(item, depth + 1, ref element));
            value.AddElement(element);
        }

        return fields.Error;
    }

    private static int WireTypeOf(int field) => field switch
    {
        2 or 3 => ProtobufCursor.WireVarint,
        4 => ProtobufCursor.WireFixed64,
        _ => ProtobufCursor.WireBytes,
    };

    private static int IntegerBytes(long value)
    {
        Span<byte> text = stackalloc byte[20];
        value.TryFormat(text, out var length, default, CultureInfo.InvariantCulture);
        return length;
    }

    private static int DoubleBytes(double value)
    {
        Span<byte> text = stackalloc byte[32];
        value.TryFormat(text, out var length, default, CultureInfo.InvariantCulture);
        return length;
    }

    // Inside JSON: strings in quotes, the empty value as null.
    private readonly long JsonBytes => shape switch
    {
        Shape.Empty => 4,
        Shape.Quoted => TextBytes + 2,
        _ => TextBytes,
    };
}
