// How many different values there were, in a bounded memory: the values of a label that runs away cannot be kept, and it is exactly the one that is asked for.
using System.Numerics;

namespace LokiGateway.Gateway.Admit;

/// <summary>
/// Exact up to <see cref="ExactMax"/> values, then HyperLogLog with 2,048 registers (Flajolet et al. 2007, with 64-bit hashes as in HLL++): a standard error of 2.3 %.
/// Not thread-safe.
/// </summary>
internal sealed class DistinctCount
{
    public const int ExactMax = 32;

    /// <summary>Memory of one at most.</summary>
    public const int BytesMax = Registers + ExactMax * sizeof(ulong) + 64;

    private const int IndexBits = 11;
    private const int Registers = 1 << IndexBits;

    private ulong[] _exact = [];
    private int _exactCount;
    private byte[]? _registers;

    public bool IsEstimated => _registers is not null;

    /// <summary>Counts a value by a hash of good quality.</summary>
    public void Add(ulong hash)
    {
        if (_registers is not null)
        {
            AddToRegisters(hash);
            return;
        }

        if (_exact.AsSpan(0, _exactCount).Contains(hash)) return;
        if (_exactCount == ExactMax)
        {
            _registers = new byte[Registers];
            foreach (ulong kept in _exact) AddToRegisters(kept);
            AddToRegisters(hash);
            _exact = [];
            _exactCount = 0;
            return;
        }

        if (_exactCount == _exact.Length) Array.Resize(ref _exact, Math.Max(4, _exact.Length * 2));
        _exact[_exactCount++] = hash;
    }

    /// <summary>Counts what another has counted.</summary>
    public void Add(DistinctCount other)
    {
        foreach (ulong hash in other._exact.AsSpan(0, other._exactCount)) Add(hash);
        if (other._registers is not { } theirs) return;
        if (_registers is null)
        {
            _registers = new byte[Registers];
            foreach (ulong kept in _exact.AsSpan(0, _exactCount)) AddToRegisters(kept);
            _exact = [];
            _exactCount = 0;
        }

        for (int i = 0; i < Registers; i++) _registers[i] = Math.Max(_registers[i], theirs[i]);
    }

    public long Count()
    {
        if (_registers is not { } registers) return _exactCount;
        double sum = 0;
        int zeros = 0;
        foreach (byte register in registers)
        {
            sum += Math.ScaleB(1, -register);
            if (register == 0) zeros++;
        }

        const double Alpha = 0.7213 / (1 + 1.079 / Registers);
        double estimate = Alpha * Registers * Registers / sum;
        // Few values for so many registers: the empty ones tell more.
        if (estimate <= 2.5 * Registers && zeros > 0) estimate = Registers * Math.Log((double)Registers / zeros);
        return (long)Math.Round(estimate);
    }

    private void AddToRegisters(ulong hash)
    {
        int index = (int)(hash >> (64 - IndexBits));
        // The bit behind the rest stops the count when all of it is zero.
        byte rank = (byte)(BitOperations.LeadingZeroCount((hash << IndexBits) | (1UL << (IndexBits - 1))) + 1);
        ref byte register = ref _registers![index];
        if (rank > register) register = rank;
    }
}
