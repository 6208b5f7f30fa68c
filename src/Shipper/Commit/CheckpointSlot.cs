using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Commit;

/// <summary>
/// The bytes of one slot of the positions file, encoded and decoded; nothing here touches a disk. Little-endian, drawn in
/// docs/formats/checkpoint.md. The checksum covers header and records, so a slot that a crash left half written is never taken for a good
/// one.
/// </summary>
/// <code>
/// header  0 magic 8 | 8 version 4 | 12 record bytes 4 | 16 sequence 8 | 24 count 4 | 28 capacity 4 | 32 boot 8 | 40 seen through 8
/// | 48 uptime 8 | 56 checksum 8
/// record  0 device 8 | 8 inode 8 | 16 fingerprint 8 | 24 offset 8 | 32 marker 8 | 40 fingerprint length 2 | 42 flags 1 | 43 reserved 5 | 48 frame 48
/// | 96 known size 8 | 104 path hash 8
/// </code>
internal static class CheckpointSlot
{
    public const int HeaderBytes = 64;
    public const int RecordBytes = 112;

    /// <summary>Slots begin and end at file system blocks, so that writing one can never tear the other.</summary>
    private const int BlockBytes = 4096;

    private const int Version = 3;
    private const int ChecksumAt = 56;
    private const int FlagsAt = 42;
    private const byte EndedFlag = 1;
    private const int FrameAt = 48;
    private const int KnownSizeAt = FrameAt + FramePosition.SizeInBytes;
    private const int PathHashAt = KnownSizeAt + 8;

    private static ReadOnlySpan<byte> Magic => "LKSHPOS1"u8;

    public static int Bytes(int capacity) => (HeaderBytes + capacity * RecordBytes + BlockBytes - 1) / BlockBytes * BlockBytes;

    /// <summary>The header, written after the records: <paramref name="recordsHash"/> is XxHash3 of them.</summary>
    public static void WriteHeader(Span<byte> destination, in CheckpointHeader header, ulong recordsHash)
    {
        destination[..HeaderBytes].Clear();
        Magic.CopyTo(destination);
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(destination[12..], RecordBytes);
        BinaryPrimitives.WriteInt64LittleEndian(destination[16..], header.Sequence);
        BinaryPrimitives.WriteInt32LittleEndian(destination[24..], header.Count);
        BinaryPrimitives.WriteInt32LittleEndian(destination[28..], header.Capacity);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[32..], header.SeenThrough.Boot);
        BinaryPrimitives.WriteInt64LittleEndian(destination[40..], header.SeenThrough.WallNanos);
        BinaryPrimitives.WriteInt64LittleEndian(destination[48..], header.SeenThrough.UptimeNanos);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[ChecksumAt..], Checksum(destination, recordsHash));
    }

    /// <summary>Never throws: anything that is not a whole slot of exactly this length is false.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> slot, out CheckpointHeader header)
    {
        header = default;
        if (slot.Length < HeaderBytes || !slot[..8].SequenceEqual(Magic)) return false;
        if (BinaryPrimitives.ReadInt32LittleEndian(slot[8..]) != Version ||
            BinaryPrimitives.ReadInt32LittleEndian(slot[12..]) != RecordBytes)
            return false;
        int count = BinaryPrimitives.ReadInt32LittleEndian(slot[24..]);
        int capacity = BinaryPrimitives.ReadInt32LittleEndian(slot[28..]);
        if (count < 0 || count > capacity || capacity > (int.MaxValue - BlockBytes) / RecordBytes - 1 || Bytes(capacity) != slot.Length)
            return false;
        ulong recordsHash = XxHash3.HashToUInt64(slot.Slice(HeaderBytes, count * RecordBytes));
        if (Checksum(slot, recordsHash) != BinaryPrimitives.ReadUInt64LittleEndian(slot[ChecksumAt..])) return false;
        var seenThrough = new ClockReading(
            BinaryPrimitives.ReadInt64LittleEndian(slot[40..]), BinaryPrimitives.ReadInt64LittleEndian(slot[48..]),
            BinaryPrimitives.ReadUInt64LittleEndian(slot[32..]));
        header = new CheckpointHeader(BinaryPrimitives.ReadInt64LittleEndian(slot[16..]), count, capacity, seenThrough);
        return true;
    }

    /// <summary>The record at an index below the count of a header that was read.</summary>
    public static CheckpointEntry ReadRecord(ReadOnlySpan<byte> slot, int index)
    {
        ReadOnlySpan<byte> record = slot.Slice(HeaderBytes + index * RecordBytes, RecordBytes);
        var identity = new FileIdentity(
            BinaryPrimitives.ReadUInt64LittleEndian(record), BinaryPrimitives.ReadUInt64LittleEndian(record[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(record[16..]), BinaryPrimitives.ReadUInt16LittleEndian(record[40..]));
        return new CheckpointEntry(
            identity, BinaryPrimitives.ReadInt64LittleEndian(record[24..]), BinaryPrimitives.ReadUInt64LittleEndian(record[32..]),
            MemoryMarshal.Read<FramePosition>(record[FrameAt..]), BinaryPrimitives.ReadInt64LittleEndian(record[KnownSizeAt..]),
            BinaryPrimitives.ReadUInt64LittleEndian(record[PathHashAt..]), (record[FlagsAt] & EndedFlag) != 0);
    }

    public static void WriteRecord(Span<byte> record, in CheckpointEntry entry)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(record, entry.Identity.Device);
        BinaryPrimitives.WriteUInt64LittleEndian(record[8..], entry.Identity.Inode);
        BinaryPrimitives.WriteUInt64LittleEndian(record[16..], entry.Identity.Fingerprint);
        BinaryPrimitives.WriteInt64LittleEndian(record[24..], entry.Offset);
        BinaryPrimitives.WriteUInt64LittleEndian(record[32..], entry.Marker);
        BinaryPrimitives.WriteUInt16LittleEndian(record[40..], (ushort)entry.Identity.FingerprintLength);
        record[FlagsAt..FrameAt].Clear();
        if (entry.IsEnded) record[FlagsAt] = EndedFlag;
        MemoryMarshal.Write(record[FrameAt..], entry.Frame);
        BinaryPrimitives.WriteInt64LittleEndian(record[KnownSizeAt..], entry.KnownSize);
        BinaryPrimitives.WriteUInt64LittleEndian(record[PathHashAt..], entry.PathHash);
    }

    /// <summary>Over everything that is used but the checksum itself.</summary>
    private static ulong Checksum(ReadOnlySpan<byte> header, ulong recordsHash) =>
        XxHash3.HashToUInt64(header[..ChecksumAt], unchecked((long)recordsHash));
}

/// <summary>Header of a slot.</summary>
/// <param name="Sequence">Counts saves; the valid slot with the larger one is the newer.</param>
/// <param name="Count">Records in use.</param>
/// <param name="Capacity">Records that fit.</param>
/// <param name="SeenThrough">Every file that existed then is either in here or was left out on purpose.</param>
internal readonly record struct CheckpointHeader(long Sequence, int Count, int Capacity, ClockReading SeenThrough);
