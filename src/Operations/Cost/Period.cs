using System.Globalization;

namespace LokiGateway.Operations.Cost;

/// <summary>A day, an ISO week or a month, in UTC as bills are.</summary>
/// <param name="Kind">Which of these.</param>
/// <param name="Start">Its first day.</param>
internal readonly record struct Period(PeriodKind Kind, DateOnly Start)
{
    /// <summary>The first day after it.</summary>
    public DateOnly End => Kind switch
    {
        PeriodKind.Daily => Start.AddDays(1),
        PeriodKind.Weekly => Start.AddDays(7),
        _ => Start.AddMonths(1),
    };

    public int Days => End.DayNumber - Start.DayNumber;

    /// <summary><c>2026-11-22</c>, <c>2026-W47</c> or <c>2026-11</c>.</summary>
    public string Label => Kind switch
    {
        PeriodKind.Daily => Start.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        PeriodKind.Weekly => string.Create(CultureInfo.InvariantCulture, $"{ISOWeek.GetYear(Start):0000}-W{ISOWeek.GetWeekOfYear(Start):00}"),
        _ => Start.ToString("yyyy-MM", CultureInfo.InvariantCulture),
    };

    /// <summary>The period of this kind that a day is in.</summary>
    public static Period Of(PeriodKind kind, DateOnly day) => kind switch
    {
        PeriodKind.Daily => new Period(kind, day),
        PeriodKind.Weekly => new Period(kind, day.AddDays(-(((int)day.DayOfWeek + 6) % 7))),
        _ => new Period(kind, new DateOnly(day.Year, day.Month, 1)),
    };

    /// <summary>Every period of this kind that has a day in the range, the first in front.</summary>
    public static IEnumerable<Period> In(PeriodKind kind, DateOnly from, DateOnly to)
    {
        if (from >= to) yield break;
        for (Period period = Of(kind, from); period.Start < to; period = new Period(kind, period.End)) yield return period;
    }
}
