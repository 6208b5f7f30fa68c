// One push on its way to Loki.
using LokiGateway.Gateway.Receive;
using LokiGateway.Protocol.Tenancy;

namespace LokiGateway.Gateway.Forward;

/// <summary>The bytes stay the caller's and must not change until the answer is there. The path is the one it came by: Loki's routes are the gateway's.</summary>
internal readonly record struct UpstreamPush(
    string Path, TenantId Tenant, ReadOnlyMemory<byte> Body, string ContentType, string? ContentEncoding, string? UserAgent, TraceContext Trace = default);
