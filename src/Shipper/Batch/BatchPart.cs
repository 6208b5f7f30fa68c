using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Batch;

/// <summary>Where a stretch of entries comes from: one file, and what is to be written down of it when the entries are decided.</summary>
/// <param name="Source">Whose books they are in.</param>
/// <param name="File">The file.</param>
/// <param name="Identity">Who the file was when they were read: emptied in place, the same file is somebody else.</param>
/// <param name="Generation">As <see cref="TailedFile.Generation"/> then.</param>
/// <param name="FirstEntry">Number of the first entry in the generation.</param>
/// <param name="FromByte">Offset where the stretch begins.</param>
/// <param name="ToByte">Offset behind it.</param>
internal readonly record struct PartOrigin(
    EntrySource Source, TailedFile File, FileIdentity Identity, int Generation, long FirstEntry, long FromByte, long ToByte);

/// <summary>
/// Entries of a batch that stand together in one file generation and lie in one minute: what the books of a source and the ledger are counted by.
/// </summary>
/// <param name="Origin">Its bytes are those of the chunks that the entries were in, so neighbouring parts overlap there; its entries are exact.</param>
/// <param name="MinuteNanos">Beginning of the minute of the entries' times, Unix nanoseconds.</param>
/// <param name="Lines">How many, counted by the batch.</param>
internal readonly record struct BatchPart(PartOrigin Origin, long MinuteNanos, int Lines);

/// <summary>Entries that are in no batch, because Loki would refuse them for certain: decided as soon as they are read.</summary>
/// <param name="Part">Which.</param>
/// <param name="Reason">Loki's reason word.</param>
internal readonly record struct KeptOutPart(BatchPart Part, string Reason);
