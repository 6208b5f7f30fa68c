namespace LokiGateway.Shipper.Send;

/// <summary>A file of endpoint.tls cannot be used; the message names key and file and says what is wrong. A start error.</summary>
internal sealed class TlsException(string message) : Exception(message);
