// One question to the tenant's bucket in Redis, and its answer.
namespace LokiGateway.Gateway.Admit.Redis;

/// <summary>What a gateway asks of a bucket.</summary>
/// <param name="Give">Bytes given back first; below 0: taken whatever is there, because they passed while nobody could be asked.</param>
/// <param name="Need">Bytes of a push that waits: all or nothing.</param>
/// <param name="Want">Bytes leased ahead, as far as there are plenty.</param>
/// <param name="SentAt">Timestamp before it was sent.</param>
internal readonly record struct LeaseRequest(long Give, long Need, long Want, long SentAt);

/// <summary>What the bucket answered.</summary>
/// <param name="Granted">At least what was needed, or 0.</param>
/// <param name="Left">Bytes in the bucket afterwards.</param>
internal readonly record struct LeaseGrant(long Granted, long Left);
