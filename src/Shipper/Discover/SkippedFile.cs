namespace LokiGateway.Shipper.Discover;

internal enum SkipReason
{
    NotARegularFile,
    IsDirectory,
    PermissionDenied,
    TooManyOpenFiles,
    Binary,
    Archive,
    CompressedGeneration,
    NameNotUtf8,
    OpenFailed,
}

/// <summary>Why a file that matches is not read: the answer to "where are my logs?" (GET /api/v1/files).</summary>
internal sealed record SkippedFile(string Path, int SourceIndex, SkipReason Reason, string Detail);
