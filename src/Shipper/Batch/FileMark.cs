using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Batch;

/// <summary>How far a file is done when the batch (and every one before it) is acknowledged.</summary>
internal readonly record struct FileMark(TailedFile File, FilePosition Position);
