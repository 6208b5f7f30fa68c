// Where the counts behind the limits live.
namespace LokiGateway.Gateway;

internal enum LimitsStoreKind
{
    /// <summary>In this process.</summary>
    Local,

    /// <summary>In a Redis that all gateways share.</summary>
    Redis,
}
