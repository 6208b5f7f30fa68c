// A tenant's active streams in the whole fleet. Every gateway knows the streams that it sees; Redis knows all of them, because each is announced when it is new and again
// before Redis would take it for gone. New ones that an allowance covers are announced afterwards; without one they are asked for first.
using System.Buffers;
using System.Runtime.InteropServices;
using StackExchange.Redis;

namespace LokiGateway.Gateway.Admit.Redis;

/// <summary>
/// Judges new streams by the fleet's count, or, while Redis cannot be used, by this gateway's share. Streams known here always pass. Thread-safe. Active streams and
/// allowances together never exceed the limit, so neither do the streams that pass, as long as Redis keeps what it was told; when it has lost it, everything is
/// announced again, and new streams get this gateway's share for <see cref="SettleTime"/>.
/// </summary>
internal sealed class FleetStreams
{
    /// <summary>
    /// Redis learns that a stream is still active when that is 10 minutes old: 20 minutes before it would forget it. More often costs more requests, less often
    /// loses more when a gateway dies.
    /// </summary>
    internal const uint StaleMinutes = 10;

    /// <summary>An allowance is used this long and no longer: Redis keeps it for 10 s from a moment that is later.</summary>
    private static readonly TimeSpan AllowanceUse = TimeSpan.FromSeconds(LimitScripts.AllowanceSeconds - 2);

    /// <summary>A tenant that pushes has always an allowance, as long as there is room: its new streams do not wait.</summary>
    private static readonly TimeSpan RenewAfter = TimeSpan.FromSeconds(LimitScripts.AllowanceSeconds / 2);

    /// <summary>After a loss the other gateways find out when they next ask, which each does every 5 s, and announce what they know.</summary>
    internal static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(6);

    /// <summary>A pod that starts brings a few streams, a deployment a few dozens.</summary>
    private const int AllowanceMin = 128;

    /// <summary>
    /// All allowances together are at most this part of the limit: room that is set aside for one gateway can keep streams of another out only within the last
    /// tenth, and there it is given back at the next renewal.
    /// </summary>
    private const int AllowancesPart = 10;

    private readonly RedisStore _store;
    private readonly StreamTable _table;
    private readonly string _tenant;
    private readonly int _replicas;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();

    /// <summary>Taken in by the allowance and not announced yet. Invariant: Redis has set aside room for these and for the allowance.</summary>
    private readonly List<ulong> _pending = [];
    private int _limit;
    private int _allowance;
    private long _allowanceFrom;
    private int _takenInFlight;
    private int _wanted = AllowanceMin;
    private bool _isNear;
    private bool _isFlushing;
    private bool _isScanning;
    private bool _mustScan;
    private long? _renewedAt;
    private long? _settlesFrom;
    private string? _epoch;
    private uint _scannedMinute;
    private int _recoveries;

    public FleetStreams(RedisStore store, string tenant, StreamTable table, int limit, int replicas, TimeProvider time)
    {
        (_store, _tenant, _table, _limit, _replicas, _time) = (store, tenant, table, limit, replicas, time);
        _recoveries = store.Recoveries;
    }

    /// <summary>New streams that would pass now without a question; for tests.</summary>
    internal int Allowance
    {
        get
        {
            lock (_lock) return _allowance;
        }
    }

    public void Change(int limit)
    {
        lock (_lock)
        {
            // What was set aside under the old limit may be too much under the new one.
            if (limit != _limit) _allowance = 0;
            _mustScan |= _limit == 0;
            _limit = limit;
        }
    }

    /// <summary>
    /// Marks known streams as seen, takes in new ones, and overwrites those above the limit with <see cref="StreamTable.Refused"/>. Returns how many. Completes at
    /// once unless new streams have no allowance.
    /// </summary>
    public ValueTask<int> AdmitAsync(Memory<ulong> hashes, uint minute)
    {
        int limit = Volatile.Read(ref _limit);
        if (limit == 0) return new(_table.Admit(hashes.Span, minute, 0));
        int unknown = _table.TryAdmit(hashes.Span, minute, 0, null);
        if (unknown == 0)
        {
            if (!_store.IsDegraded && IsRenewalDue()) StartFlush(minute);
            return new(0);
        }

        if (_store.IsDegraded) return new(AdmitByShare(hashes.Span, minute, limit));
        if (IsSettling())
        {
            StartFlush(minute);
            return new(AdmitByShare(hashes.Span, minute, limit));
        }

        bool hasTaken;
        lock (_lock)
        {
            int room = _allowance > 0 && _time.GetElapsedTime(_allowanceFrom) < AllowanceUse ? _allowance : 0;
            int before = _pending.Count;
            unknown = _table.TryAdmit(hashes.Span, minute, room, _pending);
            int taken = _pending.Count - before;
            _allowance -= taken;
            _takenInFlight += taken;
            hasTaken = taken > 0;
        }

        if (hasTaken) StartFlush(minute);
        return unknown == 0 ? new(0) : AskAsync(hashes, minute, limit);
    }

    /// <summary>Announces what is stale, and everything after an outage. Called every second.</summary>
    public void Tick(uint minute)
    {
        if (_store.IsDegraded) return;
        bool isUnchecked;
        lock (_lock)
        {
            // Who has nothing to announce need not ask what Redis still knows.
            if (_table.Count == 0) _recoveries = _store.Recoveries;
            if (_table.Count == 0 || _limit == 0) return;
            isUnchecked = _recoveries != _store.Recoveries;
            if (isUnchecked) _mustScan = true;
            else if (_isScanning || (!_mustScan && _scannedMinute == minute)) return;
            else (_isScanning, _mustScan, _scannedMinute) = (true, false, minute);
        }

        if (isUnchecked) StartFlush(minute);
        else _ = ScanAsync(minute);
    }

    private int AdmitByShare(Span<ulong> hashes, uint minute, int limit)
    {
        lock (_lock) _mustScan = true;
        return _table.Admit(hashes, minute, Tenant.StreamsOf(limit, _replicas));
    }

    private bool IsSettling()
    {
        lock (_lock)
        {
            // Until Redis has told whether it still knows what it knew.
            if (_recoveries != _store.Recoveries) return true;
            if (_settlesFrom is not { } from) return false;
            if (_time.GetElapsedTime(from) < SettleTime) return true;
            _settlesFrom = null;
            return false;
        }
    }

    private bool IsRenewalDue()
    {
        lock (_lock) return !_isFlushing && (_renewedAt is not { } at || _time.GetElapsedTime(at) > RenewAfter);
    }

    /// <summary>The push waits: Redis decides over each stream that nobody here knows.</summary>
    private async ValueTask<int> AskAsync(Memory<ulong> hashes, uint minute, int limit)
    {
        _store.Metrics.WaitedForStreams();
        ulong[] asked = ArrayPool<ulong>.Shared.Rent(hashes.Length);
        try
        {
            int count = _table.CopyUnknown(hashes.Span, minute, asked);
            for (int from = 0; from < count; from += LimitScripts.HashesPerCallMax)
            {
                Memory<ulong> part = asked.AsMemory(from, Math.Min(LimitScripts.HashesPerCallMax, count - from));
                Answer? answer = await RunAsync(limit, -1, 0, default, default, part);
                if (answer is not { } known) return AdmitByShare(hashes.Span, minute, limit);
                int admitted = 0;
                for (int i = 0; i < part.Length; i++)
                {
                    if (known.Verdicts[i] == (byte)'1') part.Span[admitted++] = part.Span[i];
                }

                _table.AddAnnounced(part.Span[..admitted], minute);
            }
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(asked);
        }

        if (IsRenewalDue()) StartFlush(minute);
        return _table.RefuseUnknown(hashes.Span, minute);
    }

    private void StartFlush(uint minute)
    {
        lock (_lock)
        {
            if (_isFlushing) return;
            _isFlushing = true;
        }

        _ = FlushAsync(minute);
    }

    /// <summary>Announces what the allowance has taken in, and renews it. One at a time, because it alone changes what Redis has set aside.</summary>
    private async Task FlushAsync(uint minute)
    {
        ulong[] batch = ArrayPool<ulong>.Shared.Rent(LimitScripts.HashesPerCallMax);
        byte[] ages = new byte[LimitScripts.HashesPerCallMax];
        try
        {
            while (true)
            {
                int count, waiting, keep, want, limit;
                int recoveries = _store.Recoveries;
                long sentAt = _time.GetTimestamp();
                lock (_lock)
                {
                    count = Math.Min(_pending.Count, LimitScripts.HashesPerCallMax);
                    CollectionsMarshal.AsSpan(_pending)[..count].CopyTo(batch);
                    _pending.RemoveRange(0, count);
                    waiting = _pending.Count;
                    // Near the limit nothing is kept from the others; else what is left may be used up while the answer is on its way.
                    if (_isNear || _time.GetElapsedTime(_allowanceFrom) >= AllowanceUse) _allowance = 0;
                    keep = _allowance + waiting;
                    // Twice what the last round took, so that a storm of new streams is covered after a few.
                    _wanted = Math.Min(Math.Max(AllowanceMin, Math.Max(2 * (_takenInFlight + waiting), _wanted / 2)), _limit / (AllowancesPart * _replicas));
                    _takenInFlight = 0;
                    (want, limit) = (_wanted, _limit);
                }

                Answer? answer = await RunAsync(limit, keep, want, batch.AsMemory(0, count), ages.AsMemory(0, count), default);
                lock (_lock)
                {
                    if (answer is not { } known)
                    {
                        // They are in the table as never announced: a scan finds them there when Redis can be used again.
                        _pending.Clear();
                        (_allowance, _isFlushing, _mustScan) = (0, false, true);
                        return;
                    }

                    _allowance = Math.Max(0, known.Allowance - waiting - _takenInFlight);
                    _allowanceFrom = sentAt;
                    _renewedAt = sentAt;
                    _recoveries = recoveries;
                    _isNear = known.Used >= limit * 0.9;
                    if (known.Epoch == _epoch) _table.MarkAnnounced(batch.AsSpan(0, count), ages.AsSpan(0, count), minute);
                    if (_pending.Count > 0) continue;
                    _isFlushing = false;
                    return;
                }
            }
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(batch);
        }
    }

    private async Task ScanAsync(uint minute)
    {
        ulong[] stale = ArrayPool<ulong>.Shared.Rent(LimitScripts.HashesPerCallMax);
        byte[] ages = new byte[LimitScripts.HashesPerCallMax];
        bool failed = false;
        await _store.Background.WaitAsync();
        try
        {
            int found;
            int passes = 0;
            // Once more after a pass that found some: the table may have been rebuilt under it.
            do
            {
                found = 0;
                int cursor = 0;
                int count;
                do
                {
                    count = _table.CopyStale(minute, StaleMinutes, ref cursor, stale.AsSpan(0, LimitScripts.HashesPerCallMax), ages);
                    found += count;
                    if (count == 0) break;
                    Answer? answer = await RunAsync(Volatile.Read(ref _limit), -1, 0, stale.AsMemory(0, count), ages.AsMemory(0, count), default);
                    failed = answer is null;
                    if (answer is { } known && known.Epoch == Volatile.Read(ref _epoch)) _table.MarkAnnounced(stale.AsSpan(0, count), ages.AsSpan(0, count), minute);
                }
                while (count == LimitScripts.HashesPerCallMax && !failed);
            }
            while (found > 0 && !failed && ++passes < 4);
        }
        finally
        {
            _store.Background.Release();
            ArrayPool<ulong>.Shared.Return(stale);
            lock (_lock)
            {
                _isScanning = false;
                _mustScan |= failed;
            }
        }
    }

    private async Task<Answer?> RunAsync(int limit, int keep, int want, ReadOnlyMemory<ulong> told, ReadOnlyMemory<byte> ages, ReadOnlyMemory<ulong> asked)
    {
        string book = $"{_store.KeyPrefix}{{{_tenant}}}:streams";
        RedisKey[] keys = new RedisKey[1 + LimitScripts.Partitions];
        keys[0] = book;
        for (int i = 0; i < LimitScripts.Partitions; i++) keys[1 + i] = $"{book}:{i}";
        RedisResult[]? answer = await _store.RunAsync(LimitScripts.Streams, keys,
        [
            _store.Gateway, limit, keep, want, StreamTable.ActiveMinutes + 1, MemoryMarshal.AsBytes(told.Span).ToArray(), ages.ToArray(),
            MemoryMarshal.AsBytes(asked.Span).ToArray(), Guid.NewGuid().ToString("N"),
        ]);
        if (answer is not [var name, var used, var allowance, var verdicts]) return null;
        string epoch = (string)name!;
        NoteEpoch(epoch);
        return new Answer(epoch, (long)used, (int)allowance, (byte[])verdicts!);
    }

    private void NoteEpoch(string epoch)
    {
        lock (_lock)
        {
            if (_epoch == epoch) return;
            bool isLoss = _epoch is not null;
            _epoch = epoch;
            if (!isLoss || _table.Count == 0) return;
            _table.ForgetAnnouncements();
            _mustScan = true;
            _settlesFrom = _time.GetTimestamp();
        }
    }

    /// <summary>What Redis said.</summary>
    /// <param name="Epoch">Another one than before: it has lost what it knew.</param>
    /// <param name="Used">Active streams and allowances of all gateways.</param>
    /// <param name="Allowance">This gateway's.</param>
    /// <param name="Verdicts">A character for each stream that was asked for.</param>
    private readonly record struct Answer(string Epoch, long Used, int Allowance, byte[] Verdicts);
}
