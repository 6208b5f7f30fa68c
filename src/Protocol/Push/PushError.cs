// What can be wrong with the protobuf of a push. A closed list, so that the walkers answer without exceptions or strings.
namespace LokiGateway.Protocol.Push;

/// <summary>Why a message was refused; the sender is to blame for each. <see cref="PushErrors"/> has the words that Loki uses.</summary>
public enum PushError
{
    None,

    /// <summary>A varint, fixed field or nested message reaches past the end.</summary>
    Truncated,

    /// <summary>A varint of more than ten bytes.</summary>
    VarintOverflow,

    /// <summary>A known field with another wire type than the schema's.</summary>
    WrongWireType,

    /// <summary>An end-group tag outside any group.</summary>
    EndGroup,

    /// <summary>Field number zero or negative.</summary>
    IllegalTag,

    /// <summary>An unknown field with wire type 6 or 7.</summary>
    IllegalWireType,

    /// <summary>A nested length that is negative as a signed 64-bit number, or overflows one.</summary>
    LengthOverflow,

    /// <summary>A time outside the years 1 to 9999, or nanoseconds outside 0 to 999,999,999.</summary>
    InvalidTimestamp,

    /// <summary>Groups nested deeper than <see cref="ProtobufCursor.GroupDepthMax"/>.</summary>
    TooDeep,
}
