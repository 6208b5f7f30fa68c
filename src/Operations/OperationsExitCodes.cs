namespace LokiGateway.Operations;

/// <summary>
/// What lokiops ends with whatever the command: 0 is always good news, and 1 to 3 belong to the commands (an alert, a finding, "could not tell"), which their --help
/// and docs/LOKIOPS.md say. So a mistake on the command line must not look like one of these: it is 64, as in sysexits.h.
/// </summary>
internal static class OperationsExitCodes
{
    public const int Success = 0;

    /// <summary>EX_USAGE: the command line is wrong.</summary>
    public const int Usage = 64;

    /// <summary>EX_SOFTWARE: a defect of lokiops.</summary>
    public const int Defect = 70;

    /// <summary>128 + SIGINT, what a shell reports: stopped before there was an answer.</summary>
    public const int Interrupted = 130;
}
