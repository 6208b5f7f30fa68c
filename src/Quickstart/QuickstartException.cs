namespace LokiGateway.Quickstart;

/// <summary>The trial cannot start; the message says what to change.</summary>
internal sealed class QuickstartException(string message) : Exception(message);
