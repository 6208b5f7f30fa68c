namespace LokiGateway.Shipper.Tail;

/// <summary>Base of what the Frame stage keeps per file: Tail carries the reference and knows nothing of its content.</summary>
internal abstract class FileFrame;
