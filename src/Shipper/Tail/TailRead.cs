namespace LokiGateway.Shipper.Tail;

internal enum TailReadKind
{
    /// <summary><see cref="TailRead.Bytes"/> bytes were written to the pipe and flushed.</summary>
    Data,

    /// <summary>Nothing more now; a live file may grow.</summary>
    EndOfFile,

    /// <summary>
    /// Nothing more ever: the file was rotated away or deleted, everything was read and no writer came back for the grace time. The lane
    /// ships an unterminated last line as it is, sets <see cref="TailedFile.Drained"/> and lets the file go.
    /// </summary>
    EndOfGeneration,

    /// <summary>
    /// Nothing more ever, because the file was given up (<see cref="TailedFile.IsGivenUp"/>): as EndOfGeneration, but what the pipe holds is
    /// part of the loss and is not framed.
    /// </summary>
    GivenUp,

    /// <summary>
    /// The content was replaced in place (copytruncate, also truncated and grown again). The file has already begun its next generation at
    /// offset 0: the lane drops what it holds in the pipe, forgets the frame state and goes on reading.
    /// </summary>
    Truncated,

    /// <summary>
    /// Nothing yet, but there is more: a compressed generation is on its way to the offset (<see cref="TailRead.Bytes"/> &gt; 0) or waits
    /// for others to be read.
    /// </summary>
    Waits,

    /// <summary>The read failed (<see cref="TailRead.Error"/>); logged and counted once per file, tried again a second later.</summary>
    Failed,
}

/// <summary>Outcome of one look at a file.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Bytes">Bytes read, for <see cref="TailReadKind.Data"/>; bytes of the old content that nobody read, for Truncated.</param>
/// <param name="Error">errno, for <see cref="TailReadKind.Failed"/>.</param>
internal readonly record struct TailRead(TailReadKind Kind, long Bytes = 0, int Error = 0);
