// What the native workers tell the benchmark program: one JSON line each on standard output. The file is compiled into both programs, so
// that the two sides cannot disagree about a name.
using System.Text.Json.Serialization;

namespace LokiGateway.Benchmarks.Native;

/// <summary>The result of a loop over the log files (role <c>bare</c>) or over pushes in memory (role <c>walk</c>).</summary>
/// <param name="Bytes">Bytes of log read, or of uncompressed push decoded.</param>
/// <param name="Lines">Lines or entries seen.</param>
/// <param name="CompressedBytes">Bytes after Snappy.</param>
/// <param name="Seconds">Wall time of the loop alone.</param>
/// <param name="CpuSeconds">User and system time of the whole process during the loop.</param>
/// <param name="AllocatedBytes">Managed bytes allocated during the loop.</param>
internal sealed record LoopReport(
    long Bytes, long Lines, long CompressedBytes, double Seconds, double CpuSeconds, long AllocatedBytes);

/// <summary>What a sink has received since it started.</summary>
/// <param name="Requests">Requests answered.</param>
/// <param name="BodyBytes">Bytes of bodies read.</param>
/// <param name="Lines">Lines: as the shipper stamped them on its batches, or counted in the bodies with <c>--count</c>.</param>
internal sealed record SinkReport(long Requests, long BodyBytes, long Lines);

/// <summary>What a load generator has done between "go" and the last answer.</summary>
/// <param name="Pushes">Pushes answered, whatever the status.</param>
/// <param name="Failures">Pushes that were not answered 2xx.</param>
/// <param name="FirstFailure">Status line and body of the first failure, for the person who has to find out why.</param>
/// <param name="Bytes">Uncompressed bytes of push sent.</param>
/// <param name="CompressedBytes">Bytes of bodies sent.</param>
/// <param name="Lines">Entries sent.</param>
/// <param name="Seconds">Wall time from the first send to the last answer.</param>
/// <param name="P50Ms">Median latency: from the moment the push was due (or could be sent, if the sender itself woke late) to its
/// answer.</param>
/// <param name="P99Ms">99th percentile of the same.</param>
/// <param name="MaxMs">The slowest answer.</param>
internal sealed record LoadReport(
    long Pushes, long Failures, string? FirstFailure, long Bytes, long CompressedBytes, long Lines, double Seconds,
    double P50Ms, double P99Ms, double MaxMs);

/// <summary>What a fleet of shippers was told.</summary>
/// <param name="FirstFailure">An answer that was neither 2xx nor 429, or a connection that broke.</param>
internal sealed record FleetReport(IReadOnlyList<FleetTenant> Tenants, double Seconds, string? FirstFailure);

/// <summary>The shippers of one tenant. Lines = AckedLines + RefusedLines + FailedLines.</summary>
/// <param name="Bytes">Uncompressed bytes of push sent.</param>
/// <param name="RefusedLines">Answered 429: all of a push, or the streams that the answer names.</param>
/// <param name="FailedLines">Answered otherwise.</param>
internal sealed record FleetTenant(
    string Tenant, long Pushes, long Bytes, long Lines, long AckedLines, long RefusedLines, long FailedLines, double P50Ms, double P99Ms, double MaxMs);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(LoopReport))]
[JsonSerializable(typeof(SinkReport))]
[JsonSerializable(typeof(LoadReport))]
[JsonSerializable(typeof(FleetReport))]
internal sealed partial class WorkerJson : JsonSerializerContext;
