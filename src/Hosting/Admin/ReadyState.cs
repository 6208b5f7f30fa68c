namespace LokiGateway.Hosting.Admin;

/// <summary>What /ready answers: 200 or 503, and one line that says why.</summary>
public readonly record struct ReadyState(bool IsReady, string Text);
