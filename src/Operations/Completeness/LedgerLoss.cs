namespace LokiGateway.Operations.Completeness;

/// <summary>Lines that a shipper has named as lost, or Loki as refused: by minute and reason.</summary>
internal readonly record struct LedgerLoss(SourceKey Source, DateTime Minute, string Reason, long Lines);
