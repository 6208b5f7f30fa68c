namespace LokiGateway.LocalLoki.Push;

/// <summary>A request decompresses to more than is allowed. Thrown through the decompressors, which know no other way out.</summary>
internal sealed class BufferLimitException : Exception;
