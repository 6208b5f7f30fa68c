// The words that Loki (gogoproto) answers malformed protobuf with; agents and dashboards match on them. The walkers carry only a code, so that
// they stay fast: a refused request is walked a second time, here, for the details.
using System.Globalization;

namespace LokiGateway.Protocol.Push;

/// <summary>Texts of <see cref="PushError"/>.</summary>
public static class PushErrors
{
    /// <summary>The messages of a push, as Loki's errors name them.</summary>
    private enum Message
    {
        PushRequest,
        StreamAdapter,
        EntryAdapter,
        Timestamp,
        LabelPairAdapter,
    }

    /// <summary>The text without details of the place.</summary>
    public static string Text(PushError error) => error switch
    {
        PushError.None => "",
        PushError.Truncated => "unexpected EOF",
        PushError.VarintOverflow => "proto: integer overflow",
        PushError.WrongWireType => "proto: wrong wireType",
        PushError.EndGroup => "proto: PushRequest: wiretype end group for non-group",
        PushError.IllegalTag => "proto: PushRequest: illegal tag",
        PushError.IllegalWireType => "proto: illegal wireType",
        PushError.LengthOverflow => "proto: negative length found during unmarshaling",
        PushError.InvalidTimestamp => "timestamp out of range",
        PushError.TooDeep => "proto: groups nested too deep",
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, null),
    };

    /// <summary>
    /// The text that Loki 3.2.1 answers this very request with, such as <c>proto: wrong wireType = 0 for field Line</c>; empty when nothing is
    /// wrong with it. For refused requests: it costs another walk, slower than the first.
    /// </summary>
    public static string Describe(ReadOnlySpan<byte> request) => Describe(Message.PushRequest, request) ?? "";

    // What Go's generated Unmarshal returns: the first fault in the order of the bytes, nested messages before what follows them.
    private static string? Describe(Message message, ReadOnlySpan<byte> bytes)
    {
        var cursor = new ProtobufCursor(bytes);
        while (cursor.Position < bytes.Length)
        {
            if (!cursor.TryReadVarint(out var wire))
                break;
            var field = (int)(uint)(wire >> 3);
            var wireType = (int)(wire & 7);
            if (wireType == ProtobufCursor.WireEndGroup)
                return $"proto: {message}: wiretype end group for non-group";
            if (field <= 0)
                return string.Create(CultureInfo.InvariantCulture, $"proto: {message}: illegal tag {field} (wire type {wire})");
            if (DescribeField(message, field, wireType, ref cursor) is { } text)
                return text;
        }

        if (cursor.Error != PushError.None)
            return Text(cursor.Error);
        return message == Message.Timestamp ? DescribeTime(bytes) : null;
    }

    private static string? DescribeField(Message message, int field, int wireType, scoped ref ProtobufCursor cursor)
    {
        var (name, expected, nested) = Schema(message, field);
        if (name is null)
        {
            if (cursor.TrySkip(wireType))
                return null;
            return cursor.Error == PushError.IllegalWireType ? $"proto: illegal wireType {cursor.IllegalWireType}" : Text(cursor.Error);
        }

        if (wireType != expected)
            return string.Create(CultureInfo.InvariantCulture, $"proto: wrong wireType = {wireType} for field {name}");
        if (expected == ProtobufCursor.WireVarint)
            return cursor.TryReadVarint(out _) ? null : Text(cursor.Error);
        if (!cursor.TryReadBytes(out var value))
            return Text(cursor.Error);
        return nested is { } inner ? Describe(inner, value) : null;
    }

    // Field names as Go has them. "StructuredMetadata" for the labels of a stream is a slip in Loki 3.2.1, and what it answers.
    private static (string? Name, int WireType, Message? Nested) Schema(Message message, int field) => (message, field) switch
    {
        (Message.PushRequest, 1) => ("Streams", ProtobufCursor.WireBytes, Message.StreamAdapter),
        (Message.StreamAdapter, 1) => ("StructuredMetadata", ProtobufCursor.WireBytes, null),
        (Message.StreamAdapter, 2) => ("Entries", ProtobufCursor.WireBytes, Message.EntryAdapter),
        (Message.StreamAdapter, 3) => ("Hash", ProtobufCursor.WireVarint, null),
        (Message.EntryAdapter, 1) => ("Timestamp", ProtobufCursor.WireBytes, Message.Timestamp),
        (Message.EntryAdapter, 2) => ("Line", ProtobufCursor.WireBytes, null),
        (Message.EntryAdapter, 3) => ("StructuredMetadata", ProtobufCursor.WireBytes, Message.LabelPairAdapter),
        (Message.EntryAdapter, 4) => ("Parsed", ProtobufCursor.WireBytes, Message.LabelPairAdapter),
        (Message.Timestamp, 1) => ("Seconds", ProtobufCursor.WireVarint, null),
        (Message.Timestamp, 2) => ("Nanos", ProtobufCursor.WireVarint, null),
        (Message.LabelPairAdapter, 1) => ("Name", ProtobufCursor.WireBytes, null),
        (Message.LabelPairAdapter, 2) => ("Value", ProtobufCursor.WireBytes, null),
        _ => (null, 0, null),
    };

    private static string? DescribeTime(ReadOnlySpan<byte> timestamp)
    {
        PushTimestamp.TryReadFields(timestamp, out var seconds, out var nanos);
        if (PushTimestamp.IsValid(seconds, nanos))
            return null;
        var text = string.Create(CultureInfo.InvariantCulture, $"timestamp: &types.Timestamp{{Seconds: {seconds},\nNanos: {nanos},\n}}");
        if (seconds < PushTimestamp.SecondsMin)
            return text + " before 0001-01-01";
        return text + (seconds >= PushTimestamp.SecondsEnd ? " after 10000-01-01" : ": nanos not in range [0, 1e9)");
    }
}
