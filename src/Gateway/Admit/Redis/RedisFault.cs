// Why the shared counts cannot be used: each is somebody else's work at 3 in the morning.
namespace LokiGateway.Gateway.Admit.Redis;

internal enum RedisFault
{
    /// <summary>No connection: process, network, name, or TLS.</summary>
    Unreachable,

    /// <summary>No answer within limits_store.timeout.</summary>
    Slow,

    /// <summary>User or password refused, or a command that the user may not run.</summary>
    AccessDenied,

    /// <summary>A replica answers where the primary should.</summary>
    ReadOnly,

    /// <summary>maxmemory is reached.</summary>
    OutOfMemory,

    /// <summary>It reads its data after a start.</summary>
    Loading,

    /// <summary>Another error; its words are in the log.</summary>
    Refused,
}
