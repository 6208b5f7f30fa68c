// What a slice says to a push.
namespace LokiGateway.Gateway.Admit.Redis;

internal enum LeaseVerdict
{
    Taken,
    Refused,

    /// <summary>The slice does not cover it: the bucket has to be asked.</summary>
    Ask,
}
