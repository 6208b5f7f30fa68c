// The few protobuf messages that an answer is made of, written field by field: classes for them would be a generator's worth of code for six fields.
using Google.Protobuf;

namespace LokiGateway.Gateway.Reply;

internal static class WireMessage
{
    /// <summary>The bytes of a message whose fields <paramref name="write"/> writes.</summary>
    public static byte[] Build(Action<CodedOutputStream> write)
    {
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true)) write(output);
        return bytes.ToArray();
    }

    public static void WriteVarint(this CodedOutputStream output, int field, long value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt64(value);
    }

    /// <summary>A string in UTF-8, bytes, or a message within.</summary>
    public static void WriteBytes(this CodedOutputStream output, int field, ReadOnlySpan<byte> value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(value));
    }
}
