// Reads google.protobuf.Timestamp into nanoseconds since 1970, with Go's rules for what a valid time is.
namespace LokiGateway.Protocol.Push;

internal static class PushTimestamp
{
    /// <summary>
    /// The time of an entry without a timestamp. Go's zero time lies in the year 1, outside what nanoseconds in 64 bits can say; like every
    /// other time before 1677 it reads as the smallest value here, which is "too old" wherever age matters.
    /// </summary>
    public const long Missing = long.MinValue;

    // 0001-01-01T00:00:00Z and 10000-01-01T00:00:00Z, the bounds of a protobuf Timestamp.
    private const long SecondsMin = -62_135_596_800;
    private const long SecondsEnd = 253_402_300_800;
    private const long NanosPerSecond = 1_000_000_000;

    // message Timestamp { int64 seconds = 1; int32 nanos = 2; }
    public static PushError TryRead(ReadOnlySpan<byte> message, out long unixNanos)
    {
        unixNanos = 0;
        var error = TryReadFields(message, out var seconds, out var nanos);
        if (error != PushError.None)
            return error;
        if (seconds < SecondsMin || seconds >= SecondsEnd || (uint)nanos >= NanosPerSecond)
            return PushError.InvalidTimestamp;
        unixNanos = Saturate(seconds, nanos);
        return PushError.None;
    }

    /// <summary>Seconds and nanos as they stand, before any check of their range.</summary>
    public static PushError TryReadFields(ReadOnlySpan<byte> message, out long seconds, out int nanos)
    {
        seconds = 0;
        nanos = 0;
        var cursor = new ProtobufCursor(message);
        while (cursor.TryReadTag(out var field, out var wireType))
        {
            if (field is 1 or 2)
            {
                if (wireType != ProtobufCursor.WireVarint)
                    return PushError.WrongWireType;
                if (!cursor.TryReadVarint(out var value))
                    break;
                if (field == 1)
                    seconds = (long)value;
                else
                    nanos = (int)(uint)value;
            }
            else if (!cursor.TrySkip(wireType))
            {
                break;
            }
        }

        return cursor.Error;
    }

    // Years 1 to 1676 and 2263 to 9999 are valid times but do not fit: they become the nearest value that does.
    private static long Saturate(long seconds, int nanos)
    {
        if (seconds >= long.MaxValue / NanosPerSecond)
            return long.MaxValue;
        return seconds <= long.MinValue / NanosPerSecond ? long.MinValue : (seconds * NanosPerSecond) + nanos;
    }
}
