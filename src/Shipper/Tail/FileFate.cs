namespace LokiGateway.Shipper.Tail;

/// <summary>What became of a file under its path. Set by the scanner, read by the lane.</summary>
internal enum FileFate
{
    /// <summary>The file is what its path names: it may grow.</summary>
    Live,

    /// <summary>Another file took its path and it lives on under another name (or is still linked somewhere).</summary>
    Rotated,

    /// <summary>No name leads to it any more; it exists because we hold it open, and its disk space with it.</summary>
    Unlinked,
}
