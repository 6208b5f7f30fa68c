using System.Runtime.InteropServices;

namespace LokiGateway.Shipper.Tail;

/// <summary>The error numbers that mean something to us (asm-generic/errno.h), and their words for messages.</summary>
internal static class Errno
{
    public const int NoEntry = 2;
    public const int TryAgain = 11;
    public const int AccessDenied = 13;
    public const int NotADirectory = 20;
    public const int TooManyOpenFilesOfSystem = 23;
    public const int TooManyOpenFiles = 24;
    public const int NoSpace = 28;
    public const int NameTooLong = 36;
    public const int TooManyLinks = 40;

    public static bool MeansGone(int errno) => errno is NoEntry or NotADirectory;

    public static string Text(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    /// <summary>The errno inside an exception of System.IO, whose HResult is either errno itself or one of a few Windows codes.</summary>
    public static int Of(Exception failure) => failure switch
    {
        UnauthorizedAccessException => AccessDenied,
        FileNotFoundException or DirectoryNotFoundException => NoEntry,
        PathTooLongException => NameTooLong,
        _ => failure.HResult & 0xffff,
    };
}
