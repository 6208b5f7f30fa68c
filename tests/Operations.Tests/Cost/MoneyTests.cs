// Amounts: what is read is what is meant, and what is split is all there.
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Operations.Cost;

namespace LokiGateway.Operations.Tests.Cost;

public sealed class MoneyTests
{
    [Theory]
    [InlineData("12.5", 12.5)]
    [InlineData("-0.10", -0.10)]
    [InlineData("0", 0)]
    [InlineData("6.123E-7", 0.0000006123)]
    [InlineData("1e2", 100)]
    [InlineData("1E-40", 0)]
    public void Amount_IsReadAsBillsWriteIt(string text, decimal expected)
    {
        Assert.True(Money.TryParse(text, out decimal amount));
        Assert.Equal(expected, amount);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1,000.00")]
    [InlineData("$5")]
    [InlineData("5 USD")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("--1")]
    [InlineData("1e13")]
    [InlineData("99999999999999999999999999999999")]
    public void WhatIsNoAmount_IsNotReadAsOne(string text) => Assert.False(Money.TryParse(text, out _));

    [Fact]
    public void SumThatCouldLoseDigits_IsAnError() =>
        Assert.Contains("larger than", Assert.Throws<CostException>(static () => Money.Add(9_999_999_999_999m, 2m)).Message, StringComparison.Ordinal);

    [Property(MaxTest = 500)]
    public Property Parts_AddUpExactly_AndEachIsNextToItsExactShare() => Prop.ForAll(Amounts().ToArbitrary(), Weights().ToArbitrary(), static (amount, weights) =>
    {
        decimal[] parts = Money.Split(amount, weights);
        decimal all = weights.Sum();
        bool near = parts.Zip(weights).All(pair => Math.Abs(pair.First - (amount * (pair.Second / all))) <= 0.000_000_000_01m + (Math.Abs(amount) * 1e-24m));
        return (parts.Sum() == amount).Label($"{string.Join(" + ", parts)} is not {amount}")
            .And(near).Label("a part is far from its share")
            .And(parts.Zip(weights).All(static pair => pair.Second != 0 || pair.First == 0)).Label("no weight, no part")
            .And(parts.All(part => part == 0 || Math.Sign(part) == Math.Sign(amount)));
    });

    [Fact]
    public void LastDigit_GoesToTheLargestRemainder_ThenToTheFirst()
    {
        Assert.Equal([0.333333333333334m, 0.333333333333333m, 0.333333333333333m], Money.SplitEvenly(1m, 3));
        Assert.Equal([0.166666666666667m, 0.833333333333333m], Money.Split(1m, [1m, 5m]));
    }

    [Property(MaxTest = 300)]
    public Property Cents_AddUpToTheRoundedTotal() => Prop.ForAll(Gen.ListOf(Amounts()).Where(static list => list.Count > 0).ToArbitrary(), static amounts =>
    {
        decimal[] cents = Money.ToCents([.. amounts]);
        return (cents.Sum() == Math.Round(amounts.Sum(), 2, MidpointRounding.AwayFromZero)).Label($"{cents.Sum()} of {amounts.Sum()}")
            .And(cents.Zip(amounts).All(static pair => Math.Abs(pair.First - pair.Second) <= 0.01m));
    });

    internal static Gen<decimal> Amounts() =>
        from units in Gen.Choose(-100_000_000, 100_000_000)
        from digits in Gen.Choose(0, 15)
        select Math.Round(units * (decimal)Math.Pow(10, -digits), 15);

    private static Gen<decimal[]> Weights() =>
        from weights in Gen.NonEmptyListOf(Gen.OneOf(Gen.Choose(0, 5), Gen.Choose(0, 1_000_000_000)).Select(static weight => (decimal)weight))
        where weights.Any(static weight => weight > 0)
        select weights.ToArray();
}
