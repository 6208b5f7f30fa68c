namespace LokiGateway.Shipper.Batch;

/// <summary>
/// Whose entries a <see cref="BatchPart"/> holds. A batch carries it along and never looks inside, so that Batch need not know the books that Account
/// keeps of it.
/// </summary>
internal abstract class EntrySource;
