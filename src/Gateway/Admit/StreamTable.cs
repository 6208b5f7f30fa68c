// Counts the active streams of one tenant exactly, in 16 bytes a slot: Loki's own count lives in its ingesters, and a limit that is asked there
// costs a stream's first lines to find out.
using System.Runtime.InteropServices;

namespace LokiGateway.Gateway.Admit;

/// <summary>
/// The streams of a tenant that had an entry in the last <see cref="ActiveMinutes"/> minutes, as 64-bit hashes with the minute they were last seen in: an
/// open-addressing table with linear probing. 100,000 streams take at most 4 MiB. Thread-safe: one lock, taken once per request and not per stream.
/// Two streams whose hashes collide count as one (1 in 3.7e9 at 100,000 streams): the error is on the tenant's side.
/// </summary>
internal sealed class StreamTable
{
    /// <summary>Loki's chunk_idle_period: a stream leaves the ingester about 30 minutes after its last entry.</summary>
    public const int ActiveMinutes = 30;

    /// <summary>In a request's hashes: a stream without entries, which makes no stream in Loki.</summary>
    public const ulong NoEntries = 0;

    /// <summary>In a request's hashes after <see cref="Admit(Span{ulong}, uint, int)"/>: a new stream above the limit.</summary>
    public const ulong Refused = ulong.MaxValue;

    private const int CapacityMin = 16;

    private readonly Lock _lock = new();
    private Slot[] _slots = [];

    /// <summary>Occupied slots, active or expired since the last sweep. Invariant: at most three quarters of the slots, so every probe ends at an empty one.</summary>
    private int _occupied;

    private uint _sweptMinute;

    /// <summary>Occupied slots: exact right after <see cref="Sweep"/>, else too high by what expired since.</summary>
    public int Count => Volatile.Read(ref _occupied);

    /// <summary>Memory of the table, for tests and for the memory budget in docs.</summary>
    internal long Bytes => (long)_slots.Length * Marshal.SizeOf<Slot>();

    /// <summary>Numbers the times of <see cref="ActiveMinutes"/>: an active stream was told as fresh in this one or in the one before.</summary>
    public static uint PeriodOf(uint minute) => minute / ActiveMinutes;

    /// <summary>Maps a label hash to one that means neither <see cref="NoEntries"/> nor <see cref="Refused"/>.</summary>
    public static ulong Key(ulong hash) => hash is NoEntries or Refused ? 0x9E3779B97F4A7C15 : hash;

    /// <summary>
    /// Marks known streams as seen, takes in new ones while there is room under the limit, and overwrites the hash of every other one with
    /// <see cref="Refused"/>. In order: what comes first in a request is taken first. Returns how many were refused. A limit of 0 is none, as in Loki.
    /// </summary>
    public int Admit(Span<ulong> hashes, uint minute, int limit) => Admit(hashes, minute, limit, default, out _);

    /// <summary>As above, and tells which streams it sees for the first time in their period, new ones included.</summary>
    /// <param name="hashes">Of the request's streams.</param>
    /// <param name="minute">Now.</param>
    /// <param name="limit">0: none.</param>
    /// <param name="fresh">Takes their indexes; as long as <paramref name="hashes"/>, or empty when nobody wants to know.</param>
    /// <param name="freshCount">How many there are in it.</param>
    public int Admit(Span<ulong> hashes, uint minute, int limit, Span<ulong> fresh, out int freshCount)
    {
        int refused = 0;
        lock (_lock)
        {
            foreach (ref ulong hash in hashes)
            {
                if (hash == NoEntries || TryTouch(hash, minute)) continue;
                if (limit > 0 && _occupied >= limit) SweepOnce(minute);
                if (limit > 0 && _occupied >= limit)
                {
                    hash = Refused;
                    refused++;
                }
                else
                {
                    Insert(hash, minute);
                }
            }

            freshCount = fresh.IsEmpty ? 0 : CopyFreshLocked(hashes, minute, fresh);
        }

        return refused;
    }

    /// <summary>Tells which known streams of a request are seen for the first time in their period: their indexes. Returns how many.</summary>
    public int CopyFresh(ReadOnlySpan<ulong> hashes, uint minute, Span<ulong> fresh)
    {
        lock (_lock) return CopyFreshLocked(hashes, minute, fresh);
    }

    /// <summary>
    /// Marks known streams as seen and takes in the first <paramref name="room"/> of the others, which are appended to <paramref name="taken"/>. Returns how many
    /// streams of the request stay unknown.
    /// </summary>
    public int TryAdmit(ReadOnlySpan<ulong> hashes, uint minute, int room, List<ulong>? taken)
    {
        int unknown = 0;
        lock (_lock)
        {
            foreach (ulong hash in hashes)
            {
                if (hash == NoEntries || TryTouch(hash, minute)) continue;
                if (room <= 0)
                {
                    unknown++;
                    continue;
                }

                room--;
                Insert(hash, minute);
                taken!.Add(hash);
            }
        }

        return unknown;
    }

    /// <summary>Copies the streams of a request that are not known. Returns how many.</summary>
    public int CopyUnknown(ReadOnlySpan<ulong> hashes, uint minute, Span<ulong> unknown)
    {
        int count = 0;
        lock (_lock)
        {
            foreach (ulong hash in hashes)
            {
                if (hash != NoEntries && !TryTouch(hash, minute)) unknown[count++] = hash;
            }
        }

        return count;
    }

    /// <summary>Takes in streams that the fleet knows, whatever the limit.</summary>
    public void AddAnnounced(ReadOnlySpan<ulong> hashes, uint minute)
    {
        lock (_lock)
        {
            foreach (ulong hash in hashes)
            {
                if (!TryTouch(hash, minute)) Insert(hash, minute);
                Find(_slots, hash).AnnouncedMinute = Announced(minute);
            }
        }
    }

    /// <summary>Overwrites what is not known with <see cref="Refused"/>. Returns how many.</summary>
    public int RefuseUnknown(Span<ulong> hashes, uint minute)
    {
        int refused = 0;
        lock (_lock)
        {
            foreach (ref ulong hash in hashes)
            {
                if (hash == NoEntries || TryTouch(hash, minute)) continue;
                hash = Refused;
                refused++;
            }
        }

        return refused;
    }

    /// <summary>
    /// Copies streams that the fleet does not know as this table does: never announced, or announced <paramref name="staleMinutes"/> ago and seen since. Goes on where
    /// <paramref name="cursor"/> is (0 at first); less than a full <paramref name="stale"/> is the end. A table that is rebuilt in between may hide some: look again.
    /// </summary>
    public int CopyStale(uint minute, uint staleMinutes, ref int cursor, Span<ulong> stale, Span<byte> ages)
    {
        int count = 0;
        lock (_lock)
        {
            for (; cursor < _slots.Length && count < stale.Length; cursor++)
            {
                ref readonly Slot slot = ref _slots[cursor];
                if (slot.Hash == NoEntries || !IsActive(slot, minute)) continue;
                bool isStale = slot.AnnouncedMinute == 0
                    || ((ushort)(minute - slot.AnnouncedMinute) >= staleMinutes && (short)(slot.LastSeenMinute - slot.AnnouncedMinute) > 0);
                if (!isStale) continue;
                stale[count] = slot.Hash;
                ages[count++] = (byte)Math.Min(byte.MaxValue, minute - Math.Min(minute, slot.LastSeenMinute));
            }
        }

        return count;
    }

    /// <summary>The fleet knows that these were active so many minutes ago.</summary>
    public void MarkAnnounced(ReadOnlySpan<ulong> hashes, ReadOnlySpan<byte> ages, uint minute)
    {
        lock (_lock)
        {
            for (int i = 0; i < hashes.Length && _slots.Length > 0; i++)
            {
                ref Slot slot = ref Find(_slots, hashes[i]);
                if (slot.Hash == hashes[i]) slot.AnnouncedMinute = Announced(minute - ages[i]);
            }
        }
    }

    /// <summary>The fleet has lost its memory.</summary>
    public void ForgetAnnouncements()
    {
        lock (_lock)
        {
            foreach (ref Slot slot in _slots.AsSpan()) slot.AnnouncedMinute = 0;
        }
    }

    /// <summary>Forgets what expired, gives memory back when most of it is gone, and tells how many streams are active.</summary>
    public int Sweep(uint minute)
    {
        lock (_lock)
        {
            SweepOnce(minute);
            return _occupied;
        }
    }

    private int CopyFreshLocked(ReadOnlySpan<ulong> hashes, uint minute, Span<ulong> fresh)
    {
        int count = 0;
        ushort period = (ushort)PeriodOf(minute);
        for (int i = 0; i < hashes.Length && _slots.Length > 0; i++)
        {
            if (hashes[i] is NoEntries or Refused) continue;
            ref Slot slot = ref Find(_slots, hashes[i]);
            if (slot.Hash != hashes[i] || slot.ToldPeriod == period) continue;
            slot.ToldPeriod = period;
            fresh[count++] = (ulong)i;
        }

        return count;
    }

    private bool TryTouch(ulong hash, uint minute)
    {
        if (_slots.Length == 0) return false;
        ref Slot slot = ref Find(_slots, hash);
        if (slot.Hash != hash) return false;
        if (!IsActive(slot, minute))
        {
            // Expired but not swept yet: it comes back as a new stream and must find room like any other.
            SweepOnce(minute);
            return false;
        }

        slot.LastSeenMinute = Math.Max(slot.LastSeenMinute, minute);
        return true;
    }

    private void Insert(ulong hash, uint minute)
    {
        if ((_occupied + 1) * 4L > _slots.Length * 3L) Rebuild(minute);
        ref Slot slot = ref Find(_slots, hash);
        slot = new Slot { Hash = hash, LastSeenMinute = minute, ToldPeriod = (ushort)(PeriodOf(minute) - 1) };
        Volatile.Write(ref _occupied, _occupied + 1);
    }

    private void SweepOnce(uint minute)
    {
        // Minutes are the finest that anything can expire in.
        if (minute > _sweptMinute) Rebuild(minute);
    }

    private void Rebuild(uint minute)
    {
        _sweptMinute = Math.Max(_sweptMinute, minute);
        int active = 0;
        foreach (ref readonly Slot slot in _slots.AsSpan())
        {
            if (slot.Hash != NoEntries && IsActive(slot, minute)) active++;
        }

        // At most half full, so that the next growth is at least half as many streams away.
        int capacity = CapacityMin;
        while (capacity < active * 2L + 1) capacity *= 2;
        var slots = new Slot[capacity];
        foreach (ref readonly Slot slot in _slots.AsSpan())
        {
            if (slot.Hash != NoEntries && IsActive(slot, minute)) Find(slots, slot.Hash) = slot;
        }

        _slots = slots;
        Volatile.Write(ref _occupied, active);
    }

    /// <summary>The slot that holds the hash, or the empty one where it belongs.</summary>
    private static ref Slot Find(Slot[] slots, ulong hash)
    {
        int mask = slots.Length - 1;
        // The hash is of good quality already; its upper half decides so that tenants' tables differ from any other use of the lower bits.
        int index = (int)(hash >> 32) & mask;
        while (true)
        {
            ref Slot slot = ref slots[index];
            if (slot.Hash == hash || slot.Hash == NoEntries) return ref slot;
            index = (index + 1) & mask;
        }
    }

    // 0 means never: a minute that is it by chance is taken for the one after.
    private static ushort Announced(uint minute) => Math.Max((ushort)1, (ushort)minute);

    private static bool IsActive(in Slot slot, uint minute) => slot.LastSeenMinute + ActiveMinutes >= minute;

    /// <summary>An empty slot has hash 0.</summary>
    private struct Slot
    {
        public ulong Hash;
        public uint LastSeenMinute;

        /// <summary>
        /// The last minute of activity that the other gateways know of, modulo 2^16: compared with minutes of the last half hour only. 0: none.
        /// </summary>
        public ushort AnnouncedMinute;

        /// <summary>The last <see cref="PeriodOf"/> that the stream was told as fresh in, modulo 2^16.</summary>
        public ushort ToldPeriod;
    }
}
