// Guessing costs the guesser and nobody else: each address has a few wrong credentials and then waits, and its failures are told once a minute and not once each.
// What was verified before is not asked here, so that a guesser behind the same proxy cannot lock out those who have a credential.
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace LokiGateway.Gateway.Authenticate;

/// <summary>A token bucket and a window of the audit log per address. Thread-safe. Bounded: beyond it new addresses share one bucket.</summary>
internal sealed class FailedAttempts(TimeProvider time, int addressesMax = FailedAttempts.AddressesMax)
{
    /// <summary>Enough for somebody who has forgotten which password it was, and for the agents of a node that all start at once.</summary>
    public const int Burst = 10;

    /// <summary>Ten a minute from then on: 5 million guesses a year, of which a generated token has 2^256.</summary>
    public static readonly TimeSpan OneMoreEvery = TimeSpan.FromSeconds(6);

    /// <summary>How long the failures of an address are held back after one was told.</summary>
    public static readonly TimeSpan ToldEvery = TimeSpan.FromMinutes(1);

    /// <summary>About 1 MiB.</summary>
    private const int AddressesMax = 10_000;

    private readonly ConcurrentDictionary<UInt128, Attempts> _byAddress = new();
    private readonly Attempts _others = new(time.GetTimestamp());
    private long _sweptAt = time.GetTimestamp();

    public int Count => _byAddress.Count;

    /// <summary>Takes one attempt, before the credential is looked at: attempts side by side count as well. False, and when to come again, when there is none left.</summary>
    public bool TryBegin(IPAddress? address, out TimeSpan wait)
    {
        Attempts attempts = Of(address);
        lock (attempts)
        {
            Refill(attempts);
            wait = OneMoreEvery * (1 - attempts.Left);
            if (attempts.Left < 1) return false;
            attempts.Left--;
            return true;
        }
    }

    /// <summary>Gives the attempt back: the credential was right, or was not looked at.</summary>
    public void GiveBack(IPAddress? address)
    {
        Attempts attempts = Of(address);
        lock (attempts) attempts.Left = Math.Min(Burst, attempts.Left + 1);
    }

    /// <summary>
    /// Whether a failure of this address is to be told now: each kind once a window. With how many were held back in the window before, of all kinds.
    /// </summary>
    public bool ShouldTell(IPAddress? address, AuthFailure failure, out long heldBack)
    {
        Attempts attempts = Of(address);
        lock (attempts)
        {
            heldBack = 0;
            uint kind = 1u << (int)failure;
            if (attempts.ToldAt is not { } told || time.GetElapsedTime(told) >= ToldEvery)
            {
                heldBack = attempts.HeldBack;
                (attempts.ToldAt, attempts.ToldKinds, attempts.HeldBack) = (time.GetTimestamp(), kind, 0);
                return true;
            }

            bool isFirst = (attempts.ToldKinds & kind) == 0;
            attempts.ToldKinds |= kind;
            if (!isFirst) attempts.HeldBack++;
            return isFirst;
        }
    }

    private Attempts Of(IPAddress? address)
    {
        UInt128 key = KeyOf(address);
        if (_byAddress.TryGetValue(key, out Attempts? known)) return known;
        if (_byAddress.Count >= addressesMax) Sweep();
        return _byAddress.Count >= addressesMax ? _others : _byAddress.GetOrAdd(key, static (_, now) => new Attempts(now), time.GetTimestamp());
    }

    /// <summary>Forgets addresses that have all their attempts again. At most once a second: a flood of addresses must not become a flood of sweeps.</summary>
    private void Sweep()
    {
        long last = Volatile.Read(ref _sweptAt), now = time.GetTimestamp();
        if (time.GetElapsedTime(last, now) < TimeSpan.FromSeconds(1) || Interlocked.CompareExchange(ref _sweptAt, now, last) != last) return;
        foreach ((UInt128 key, Attempts attempts) in _byAddress)
        {
            lock (attempts)
            {
                Refill(attempts);
                bool isTold = attempts.ToldAt is not { } told || time.GetElapsedTime(told) >= ToldEvery;
                if (attempts.Left >= Burst && isTold) _byAddress.TryRemove(key, out _);
            }
        }
    }

    private void Refill(Attempts attempts)
    {
        long now = time.GetTimestamp();
        attempts.Left = Math.Min(Burst, attempts.Left + (time.GetElapsedTime(attempts.RefilledAt, now) / OneMoreEvery));
        attempts.RefilledAt = now;
    }

    /// <summary>IPv6 by its first half, because a single host has the whole rest of it; IPv4 alone or inside IPv6 is the same address.</summary>
    private static UInt128 KeyOf(IPAddress? address)
    {
        if (address is null) return default;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out int length);
        if (address.AddressFamily == AddressFamily.InterNetworkV6) bytes[8..].Clear();
        return new UInt128(BitConverter.ToUInt64(bytes), BitConverter.ToUInt64(bytes[8..]) + (ulong)length);
    }

    private sealed class Attempts(long now)
    {
        public double Left = Burst;
        public long RefilledAt = now;
        public long? ToldAt;
        public uint ToldKinds;
        public long HeldBack;
    }
}
