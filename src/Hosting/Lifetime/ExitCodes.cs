namespace LokiGateway.Hosting.Lifetime;

/// <summary>What every program here ends with.</summary>
public static class ExitCodes
{
    /// <summary>Stopped as asked, or did what it was asked to do.</summary>
    public const int Success = 0;

    /// <summary>The configuration is wrong, the start failed, or an unexpected error ended the program; the log says which.</summary>
    public const int Failure = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Work was left over when the time was up (loki-shipper --once).</summary>
    public const int Incomplete = 3;
}
