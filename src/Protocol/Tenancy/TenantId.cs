// The tenant of a request, parsed once at the edge: what Loki 3.2.1 would refuse never gets past the door, and with Loki's own words.
using System.Buffers;
using System.Text;

namespace LokiGateway.Protocol.Tenancy;

/// <summary>Why a tenant header was refused. The sender is to blame for each of them.</summary>
public enum TenantIdError
{
    None,

    /// <summary>No header, an empty one, or only separators (which Loki would take for the empty tenant).</summary>
    Missing,
    TooLong,
    UnsafePathSegment,
    UnsupportedCharacter,

    /// <summary>More than one tenant; a push names exactly one.</summary>
    Several,
}

/// <summary>One valid tenant id: 1 to 150 of <c>A-Z a-z 0-9 ! - _ . * ' ( )</c>, and neither <c>.</c> nor <c>..</c>.</summary>
public readonly record struct TenantId
{
    /// <summary>Loki's bound (dskit, tenant.MaxTenantIDLength).</summary>
    public const int LengthMax = 150;

    private const char Separator = '|';

    private readonly string? value;

    private TenantId(string value) => this.value = value;

    /// <summary>The id; empty only for <c>default(TenantId)</c>, which no request ever has.</summary>
    public string Value => value ?? "";

    /// <summary>
    /// Parses an X-Scope-OrgID header as Loki does for a push: parts between <c>|</c> are checked from left to right, equal parts count once
    /// (<c>a|a</c> is <c>a</c>), and exactly one tenant must remain.
    /// </summary>
    public static TenantIdError TryParse(string? header, out TenantId tenant)
    {
        tenant = default;
        if (string.IsNullOrEmpty(header))
            return TenantIdError.Missing;

        ReadOnlySpan<char> first = default;
        var several = false;
        var isFirst = true;
        foreach (var range in header.AsSpan().Split(Separator))
        {
            var part = header.AsSpan(range);
            var error = Check(part, out _);
            if (error != TenantIdError.None)
                return error;
            if (isFirst)
                first = part;
            else
                several |= !part.SequenceEqual(first);
            isFirst = false;
        }

        if (several)
            return TenantIdError.Several;
        if (first.IsEmpty)
            return TenantIdError.Missing;
        tenant = new TenantId(first.Length == header.Length ? header : first.ToString());
        return TenantIdError.None;
    }

    /// <summary>Loki's text for the error, without the newline that its HTTP answers end in.</summary>
    public static string ErrorText(TenantIdError error, string? header) => error switch
    {
        TenantIdError.None => "",
        TenantIdError.Missing => "no org id",
        TenantIdError.TooLong => "tenant ID is too long: max 150 characters",
        TenantIdError.UnsafePathSegment => "tenant ID is '.' or '..'",
        TenantIdError.UnsupportedCharacter => UnsupportedCharacterText(header ?? ""),
        TenantIdError.Several => "multiple org IDs present",
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, null),
    };

    /// <inheritdoc/>
    public override string ToString() => Value;

    // The order of the checks is Loki's: characters, then length, then path segments.
    private static TenantIdError Check(ReadOnlySpan<char> part, out int offending)
    {
        offending = part.IndexOfAnyExcept(Supported);
        if (offending >= 0)
            return TenantIdError.UnsupportedCharacter;
        if (part.Length > LengthMax)
            return TenantIdError.TooLong;
        return part is "." or ".." ? TenantIdError.UnsafePathSegment : TenantIdError.None;
    }

    // Loki prints the first byte of the offending character as if it were a character of its own (Go indexes the string by byte).
    private static string UnsupportedCharacterText(string header)
    {
        foreach (var range in header.AsSpan().Split(Separator))
        {
            var part = header.AsSpan(range);
            if (Check(part, out var offending) != TenantIdError.UnsupportedCharacter)
                continue;
            Span<byte> utf8 = stackalloc byte[4];
            Rune.DecodeFromUtf16(part[offending..], out var rune, out _);
            rune.EncodeToUtf8(utf8);
            return $"tenant ID '{part}' contains unsupported character '{(char)utf8[0]}'";
        }

        return "tenant ID contains unsupported character";
    }

    private static readonly SearchValues<char> Supported =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!-_.*'()");
}
