// The trace that a request belongs to, passed on to Loki: without it a slow push cannot be followed from the agent through the gateway into an ingester.
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace LokiGateway.Gateway.Receive;

/// <summary>
/// W3C's <c>traceparent</c> and <c>tracestate</c> (https://www.w3.org/TR/trace-context/) and Jaeger's <c>uber-trace-id</c>, which Loki 3.2 reads: as they came, each
/// null when it is not there or has not the form it must have. The gateway makes no spans of its own, so they stay the caller's.
/// </summary>
internal readonly record struct TraceContext(string? TraceParent, string? TraceState, string? UberTraceId)
{
    public const string TraceParentName = "traceparent";
    public const string TraceStateName = "tracestate";
    public const string UberTraceIdName = "uber-trace-id";

    /// <summary>Version 00 has 55 characters; a later one may go on behind them.</summary>
    private const int TraceParentLength = 55;

    private const int TraceParentLengthMax = 256;

    /// <summary>What the specification asks everybody to pass on at least.</summary>
    private const int TraceStateLengthMax = 512;

    /// <summary>Reads the headers of a request; allocates nothing beyond what the server has made of them.</summary>
    public static TraceContext Of(IHeaderDictionary headers)
    {
        string? parent = Single(headers.TraceParent) is { } sent && IsTraceParent(sent) ? sent : null;
        StringValues states = headers.TraceState;
        // Several headers are one list; without a parent it means nothing.
        string? state = parent is null || states.Count == 0 ? null : states.Count == 1 ? states[0] : string.Join(',', (IEnumerable<string?>)states);
        string? uber = headers.TryGetValue(UberTraceIdName, out StringValues jaeger) && Single(jaeger) is { } id && IsUberTraceId(id) ? id : null;
        return new TraceContext(parent, state is not null && IsTraceState(state) ? state : null, uber);
    }

    /// <summary>The trace's id, for the log; null when there is none.</summary>
    public string? TraceId => TraceParent?.Substring(3, 32) ?? UberTraceId?[..UberTraceId.IndexOf(':', StringComparison.Ordinal)];

    private static string? Single(StringValues values) => values.Count == 1 ? values[0] : null;

    /// <summary>version "-" trace-id "-" parent-id "-" flags, in lower-case hex; ids of zeros and version ff are none.</summary>
    private static bool IsTraceParent(ReadOnlySpan<char> text)
    {
        if (text.Length is < TraceParentLength or > TraceParentLengthMax) return false;
        if (text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
        ReadOnlySpan<char> version = text[..2], trace = text[3..35], parent = text[36..52];
        if (!IsLowerHex(version) || !IsLowerHex(trace) || !IsLowerHex(parent) || !IsLowerHex(text[53..55])) return false;
        if (version is "ff" || !trace.ContainsAnyExcept('0') || !parent.ContainsAnyExcept('0')) return false;
        return text.Length == TraceParentLength || (version is not "00" && text[TraceParentLength] == '-' && IsPrintable(text));
    }

    private static bool IsTraceState(ReadOnlySpan<char> text) => text.Length is > 0 and <= TraceStateLengthMax && IsPrintable(text) && text.Contains('=');

    /// <summary>trace-id ":" span-id ":" parent-id ":" flags, in hex without leading zeros or with.</summary>
    private static bool IsUberTraceId(ReadOnlySpan<char> text)
    {
        Span<Range> parts = stackalloc Range[5];
        if (text.Length > 32 + 16 + 16 + 2 + 3 || text.Split(parts, ':') != 4) return false;
        ReadOnlySpan<char> trace = text[parts[0]], span = text[parts[1]];
        return IsHex(trace, 32) && IsHex(span, 16) && IsHex(text[parts[2]], 16) && IsHex(text[parts[3]], 2)
            && trace.ContainsAnyExcept('0') && span.ContainsAnyExcept('0');
    }

    private static bool IsLowerHex(ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange('0', 'f') && !text.ContainsAnyInRange(':', '`');

    private static bool IsHex(ReadOnlySpan<char> text, int lengthMax)
    {
        if (text.IsEmpty || text.Length > lengthMax) return false;
        foreach (char c in text)
        {
            if (!char.IsAsciiHexDigit(c)) return false;
        }

        return true;
    }

    private static bool IsPrintable(ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange(' ', '~');
}
