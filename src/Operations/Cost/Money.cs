// Amounts are decimals of at most 15 fractional digits, so that every sum and every split of them is exact: 96 bits hold 28 digits, and nothing here may be larger
// than ten trillion. Bills have up to twelve digits; the floating point noise of OpenCost has more, and is rounded where it is read.
using System.Globalization;
using System.Numerics;

namespace LokiGateway.Operations.Cost;

internal static class Money
{
    /// <summary>Fractional digits that are kept; what is finer is rounded half to even when it is read, and never afterwards.</summary>
    public const int Digits = 15;

    /// <summary>Most that one amount may be, in either direction. No bill has such a line; a mistaken column has.</summary>
    public const decimal AmountMax = 1_000_000_000_000m;

    /// <summary>Most that a sum may be: beyond it 96 bits could not hold <see cref="Digits"/> digits behind the point.</summary>
    public const decimal SumMax = 10_000_000_000_000m;

    private const decimal Unit = 0.000_000_000_000_001m;
    private const decimal UnitsPerOne = 1_000_000_000_000_000m;

    /// <summary>As bills write it: <c>12.5</c>, <c>-0.10</c>, <c>6.123E-7</c>. No thousands separators, no currency signs.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out decimal amount)
    {
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (!decimal.TryParse(utf8, Style, CultureInfo.InvariantCulture, out amount) || Math.Abs(amount) > AmountMax) return false;
        amount = Math.Round(amount, Digits, MidpointRounding.ToEven);
        return true;
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, out decimal)"/>
    public static bool TryParse(string text, out decimal amount) => TryParse(System.Text.Encoding.UTF8.GetBytes(text), out amount);

    /// <summary>A sum that is exact, or an error: never one that lost its last digits.</summary>
    public static decimal Add(decimal sum, decimal amount)
    {
        sum += amount;
        if (Math.Abs(sum) > SumMax) throw new CostException($"a sum is larger than {SumMax:0}: amounts of this size are no cost");
        return sum;
    }

    /// <summary>Exact digits, at least two: for machines.</summary>
    public static string Exact(decimal amount) => amount.ToString("0.00#############", CultureInfo.InvariantCulture);

    /// <summary>Cents: for people. Parts are rounded with <see cref="ToCents"/>, so that they add up to their total.</summary>
    public static string Cents(decimal amount) => amount.ToString("#,0.00", CultureInfo.InvariantCulture);

    /// <summary>
    /// <paramref name="amount"/> in parts proportional to <paramref name="weights"/>, by largest remainder: they add up to it exactly, each is less than one unit of
    /// the last digit away from its exact share, and equal remainders go to the first. Weights are not negative and not all zero.
    /// </summary>
    public static decimal[] Split(decimal amount, ReadOnlySpan<decimal> weights)
    {
        var scaled = new BigInteger[weights.Length];
        BigInteger all = BigInteger.Zero;
        for (int i = 0; i < weights.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(weights[i]);
            scaled[i] = new BigInteger(Math.Round(weights[i], Digits) * UnitsPerOne);
            all += scaled[i];
        }

        if (all.IsZero) throw new ArgumentException("the weights are all zero", nameof(weights));
        var units = new BigInteger(Math.Abs(amount) * UnitsPerOne);
        var parts = new BigInteger[weights.Length];
        var order = new (BigInteger Remainder, int Index)[weights.Length];
        BigInteger left = units;
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = BigInteger.DivRem(units * scaled[i], all, out BigInteger remainder);
            order[i] = (remainder, i);
            left -= parts[i];
        }

        Array.Sort(order, static (a, b) => a.Remainder == b.Remainder ? a.Index.CompareTo(b.Index) : b.Remainder.CompareTo(a.Remainder));
        for (int i = 0; !left.IsZero; i++, left--) parts[order[i].Index]++;
        int sign = Math.Sign(amount);
        return Array.ConvertAll(parts, part => (decimal)part * Unit * sign);
    }

    /// <summary>The same amount in equal parts, which differ by at most one unit of the last digit.</summary>
    public static decimal[] SplitEvenly(decimal amount, int parts)
    {
        decimal[] weights = new decimal[parts];
        Array.Fill(weights, 1m);
        return Split(amount, weights);
    }

    /// <summary>Parts in whole cents that add up to the total in cents: what is shown to people must not look like a mistake.</summary>
    public static decimal[] ToCents(ReadOnlySpan<decimal> parts)
    {
        decimal total = 0;
        decimal[] cents = new decimal[parts.Length];
        var order = new (decimal Remainder, int Index)[parts.Length];
        decimal shown = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            total += parts[i];
            cents[i] = Math.Floor(parts[i] * 100) / 100;
            order[i] = (parts[i] - cents[i], i);
            shown += cents[i];
        }

        Array.Sort(order, static (a, b) => a.Remainder == b.Remainder ? a.Index.CompareTo(b.Index) : b.Remainder.CompareTo(a.Remainder));
        int missing = (int)((Math.Round(total, 2, MidpointRounding.AwayFromZero) - shown) * 100);
        for (int i = 0; i < missing; i++) cents[order[i % order.Length].Index] += 0.01m;
        return cents;
    }
}
