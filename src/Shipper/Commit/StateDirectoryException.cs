namespace LokiGateway.Shipper.Commit;

/// <summary>The state directory cannot be used; the message names it and says what to do. A start error.</summary>
internal sealed class StateDirectoryException(string message, Exception? inner = null) : Exception(message, inner);
