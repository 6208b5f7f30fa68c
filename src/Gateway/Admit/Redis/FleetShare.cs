// One tenant's part in the limits of the fleet.
namespace LokiGateway.Gateway.Admit.Redis;

/// <summary>Thread-safe.</summary>
internal sealed class FleetShare(RedisStore store, FleetBytes bytes, FleetStreams streams)
{
    public FleetBytes Bytes => bytes;

    public FleetStreams Streams => streams;

    /// <summary>The limits in force are this gateway's share, because Redis cannot be used.</summary>
    public bool IsDegraded => store.IsDegraded;

    /// <summary>What is done behind the pushes' backs, every second.</summary>
    public void Tick(uint minute)
    {
        bytes.Tick();
        streams.Tick(minute);
    }
}
