// The words that Loki (gogoproto) answers malformed protobuf with; agents and dashboards match on them.
namespace LokiGateway.Protocol.Push;

/// <summary>Texts of <see cref="PushError"/>.</summary>
public static class PushErrors
{
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
        PushError.InvalidUtf8 => "proto: invalid UTF-8",
        PushError.InvalidTimestamp => "timestamp out of range",
        PushError.TooDeep => "proto: groups nested too deep",
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, null),
    };
}
