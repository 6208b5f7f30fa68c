// What a record that is read from strangers must stand, whatever its type.
using System.Text;

namespace LokiGateway.Protocol.Tests.Completeness;

/// <summary>Parses a record; false with the reason when it is refused.</summary>
internal delegate bool TryParse(ReadOnlySpan<byte> utf8, out string? error);

internal static class HostileJson
{
    /// <summary>With a part of it replaced by a lie it is refused, and the message names the field.</summary>
    public static void IsRefusedWithALie(byte[] valid, string part, string lie, string field, TryParse parse)
    {
        var text = Encoding.UTF8.GetString(valid);
        Assert.Contains(part, text, StringComparison.Ordinal);
        Assert.False(parse(Encoding.UTF8.GetBytes(text.Replace(part, lie, StringComparison.Ordinal)), out var error));
        Assert.Contains(field, error, StringComparison.Ordinal);
    }

    /// <summary>No beginning of it is taken for the whole.</summary>
    public static void IsRefusedTruncated(byte[] valid, TryParse parse)
    {
        for (var length = 0; length < valid.Length; length++) Assert.False(parse(valid.AsSpan(0, length), out _));
    }

    /// <summary>A newer program may say more.</summary>
    public static void IsReadWithAnUnknownField(byte[] valid, TryParse parse) =>
        Assert.True(parse([.. """{"of_later":{"a":[1]},"""u8, .. valid.AsSpan(1)], out _));
}
