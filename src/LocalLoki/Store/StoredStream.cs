using LokiGateway.Protocol.Labels;

namespace LokiGateway.LocalLoki.Store;

/// <summary>A stream that has been committed. The labels are parsed once and kept: every query looks at all of a tenant's streams.</summary>
internal sealed record StoredStream(long Id, LabelSet Labels);
