namespace LokiGateway.Operations.Loki;

/// <summary>How a Loki, or the gateway before it, is reached and as whom.</summary>
internal sealed record LokiSettings
{
    /// <summary>Scheme, host, port and, behind a path prefix, that prefix.</summary>
    public required Uri Address { get; init; }

    /// <summary>A file with a bearer token, read again for every request: whoever rotates it needs no restart.</summary>
    public string? BearerTokenFile { get; init; }

    public string? Username { get; init; }

    /// <summary>A file with the password of <see cref="Username"/>.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>Certificates in PEM form that are trusted instead of the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>Requests under way at one time, over all tenants.</summary>
    public int Parallelism { get; init; } = 4;

    /// <summary>What one request may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How often a request is repeated that was answered 429 or 5xx, or not at all.</summary>
    public int RetriesMax { get; init; } = 6;
}
