using Microsoft.Extensions.Logging;

namespace LokiGateway.Hosting.Logging;

/// <summary>What counts as the same message: who says it, how grave, and its template, whatever the values in it.</summary>
internal readonly record struct RepeatKey(string Component, LogLevel Level, int EventId, string Message);
