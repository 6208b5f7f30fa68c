// How the records of the ledger are spelled in JSON: generated code, so that it compiles ahead of time, and strict where a sender could be hostile.
using System.Text.Json.Serialization;

namespace LokiGateway.Protocol.Completeness;

/// <summary>Fields that this version does not know are passed over, so that a newer shipper can talk to an older gateway.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false,
    IgnoreReadOnlyProperties = true,
    MaxDepth = 8)]
[JsonSerializable(typeof(LedgerRecord))]
[JsonSerializable(typeof(ShipperReport))]
internal sealed partial class CompletenessJson : JsonSerializerContext;
