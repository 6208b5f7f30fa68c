namespace LokiGateway.Shipper.Discover;

/// <summary>Why a file that matches is not read.</summary>
internal enum SkipReason
{
    /// <summary>A socket, fifo or device.</summary>
    NotARegularFile,

    /// <summary>A directory where a file was expected.</summary>
    IsDirectory,

    /// <summary>The file, or a directory on its way, is not ours to read. Tried again.</summary>
    PermissionDenied,

    /// <summary>The limit of open files is reached. Tried again.</summary>
    TooManyOpenFiles,

    /// <summary>NUL bytes in its first 4 KiB (only sources with SkipBinary).</summary>
    Binary,

    /// <summary>Begins like gzip, xz, zstd, bzip2, zip, lz4 or a systemd journal (only sources with SkipBinary).</summary>
    Archive,

    /// <summary>A copy, made by copytruncate, of what was read already.</summary>
    Copy,

    /// <summary>Its name is not UTF-8, so .NET cannot name it to the kernel.</summary>
    NameNotUtf8,

    /// <summary>Anything else that the kernel said. Tried again.</summary>
    OpenFailed,
}

/// <summary>The answer to "where are my logs?" (GET /api/v1/files).</summary>
internal sealed record SkippedFile(string Path, int SourceIndex, SkipReason Reason, string Detail);
