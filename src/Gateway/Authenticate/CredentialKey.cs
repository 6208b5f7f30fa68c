// Remembers a credential without keeping it: a dump of the process's memory shows no secret, and nobody outside can choose where in the table a guess lands.
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>HMAC-SHA256 of a credential under a key that this process made and nobody else knows.</summary>
internal readonly record struct CredentialKey(ulong A, ulong B, ulong C, ulong D)
{
    private static readonly byte[] ProcessKey = RandomNumberGenerator.GetBytes(32);

    public static CredentialKey Of(bool isBearer, ReadOnlySpan<byte> credential)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(ProcessKey, credential, hash);
        ReadOnlySpan<ulong> parts = MemoryMarshal.Cast<byte, ulong>(hash);
        // A token and a "user:password" of the same bytes are different things.
        return new CredentialKey(parts[0], parts[1], parts[2], isBearer ? parts[3] : ~parts[3]);
    }
}
