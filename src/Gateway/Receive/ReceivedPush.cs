using LokiGateway.Protocol.Tenancy;

namespace LokiGateway.Gateway.Receive;

/// <summary>A push as it came in, whichever door it took. The body stays the receiver's.</summary>
/// <param name="Tenant">Proven.</param>
/// <param name="Body">As sent.</param>
/// <param name="Format">What it is.</param>
/// <param name="Path">Loki's route for it.</param>
/// <param name="ContentType">To forward.</param>
/// <param name="ContentEncoding">To forward.</param>
internal readonly record struct ReceivedPush(TenantId Tenant, PooledBytes Body, PushFormat Format, string Path, string ContentType, string? ContentEncoding);
