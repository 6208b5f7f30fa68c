// The Authorization header, taken apart once. Everything odd about it is refused here, so that what is compared later has one form only.
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>A bearer token or a user with a password, as bytes of UTF-8.</summary>
internal readonly record struct PresentedCredential(bool IsBearer, byte[] Bytes, int UsernameBytes)
{
    private const string Bearer = "Bearer ";
    private const string Basic = "Basic ";

    public ReadOnlySpan<byte> Secret => IsBearer ? Bytes : Bytes.AsSpan(UsernameBytes + 1);

    public string Username => Encoding.UTF8.GetString(Bytes, 0, UsernameBytes);

    public static AuthFailure TryRead(IHeaderDictionary headers, out PresentedCredential presented)
    {
        presented = default;
        StringValues values = headers.Authorization;
        if (values.Count == 0 || (values.Count == 1 && string.IsNullOrEmpty(values[0]))) return AuthFailure.NoCredential;
        // Two could be read as either one.
        if (values.Count > 1) return AuthFailure.Malformed;
        string header = values[0]!;
        if (header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return TryReadBearer(header.AsSpan(Bearer.Length).Trim(' '), out presented);
        if (header.StartsWith(Basic, StringComparison.OrdinalIgnoreCase)) return TryReadBasic(header.AsSpan(Basic.Length).Trim(' '), out presented);
        return AuthFailure.Malformed;
    }

    private static AuthFailure TryReadBearer(ReadOnlySpan<char> token, out PresentedCredential presented)
    {
        presented = default;
        if (token.IsEmpty || token.Length > SecretHash.SecretBytesMax) return AuthFailure.Malformed;
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(token)];
        Encoding.UTF8.GetBytes(token, bytes);
        presented = new PresentedCredential(true, bytes, 0);
        return AuthFailure.None;
    }

    private static AuthFailure TryReadBasic(ReadOnlySpan<char> encoded, out PresentedCredential presented)
    {
        presented = default;
        if (encoded.Length > SecretHash.SecretBytesMax) return AuthFailure.Malformed;
        byte[] bytes = new byte[encoded.Length];
        if (!Convert.TryFromBase64Chars(encoded, bytes, out int length)) return AuthFailure.Malformed;
        int colon = bytes.AsSpan(0, length).IndexOf((byte)':');
        if (colon < 0) return AuthFailure.Malformed;
        Array.Resize(ref bytes, length);
        presented = new PresentedCredential(false, bytes, colon);
        return AuthFailure.None;
    }
}
