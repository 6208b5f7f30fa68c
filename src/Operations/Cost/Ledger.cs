// The books of a report: every amount that was read goes into exactly one cell or one pile of what is not counted, and the two together must be what was read. Memory
// grows with days times what rules tell apart, never with rows.
using System.Runtime.InteropServices;
using LokiGateway.Operations.Cost.Reading;

namespace LokiGateway.Operations.Cost;

internal sealed class Ledger(DateOnly from, DateOnly to)
{
    // A tax of a month, a commitment of three years; beyond it a period is a mistake.
    private const int DaysOfAChargeMax = 366 * 5;

    private readonly Dictionary<(int Source, int Day, Placement Placement), decimal> _cells = [];
    private readonly decimal[] _piles = new decimal[Enum.GetValues<Disposition>().Length];
    private readonly long[] _rows = new long[Enum.GetValues<Disposition>().Length];
    private readonly List<(string Name, SourceKind Kind)> _sources = [];
    private readonly List<bool[]> _seen = [];

    // Days that only charges over several days speak of: a tax of the whole month does not say that the bill has come so far.
    private readonly List<bool[]> _seenWidely = [];
    private decimal _read;

    public BadRows Bad { get; } = new();

    /// <summary>Rows, lines and records without those that could not be read.</summary>
    public long Rows { get; private set; }

    public DateOnly From => from;

    public DateOnly To => to;

    /// <summary>To be called before its amounts are added; the number is for <see cref="Add"/>.</summary>
    public int BeginSource(CostSource source)
    {
        _sources.Add((source.Name, source.Kind));
        _seen.Add(new bool[to.DayNumber - from.DayNumber]);
        _seenWidely.Add(new bool[to.DayNumber - from.DayNumber]);
        return _sources.Count - 1;
    }

    /// <summary>
    /// One row: an amount for the days from <paramref name="first"/> to <paramref name="last"/>, which goes to them in equal parts. False when so many days cannot be a
    /// charge's.
    /// </summary>
    public bool Add(int source, Placement placement, DateOnly first, DateOnly last, decimal amount)
    {
        int days = last.DayNumber - first.DayNumber + 1;
        if (days is < 1 or > DaysOfAChargeMax) return false;
        Rows++;
        _read = Money.Add(_read, amount);
        _rows[(int)placement.Disposition]++;
        if (days == 1)
        {
            AddDay(source, placement, first.DayNumber, amount, _seen);
            return true;
        }

        decimal[] parts = Money.SplitEvenly(amount, days);
        for (int i = 0; i < days; i++) AddDay(source, placement, first.DayNumber + i, parts[i], _seenWidely);
        return true;
    }

    /// <summary>Checks that the books close and that no dollar has two sources, and hands out what is counted. Throws <see cref="CostException"/>.</summary>
    public ClosedLedger Close()
    {
        RefuseDoubleCounting();
        var cells = new Dictionary<(DateOnly Day, CostKey Key), decimal>();
        decimal counted = 0;
        foreach (((int _, int day, Placement placement), decimal amount) in _cells)
        {
            ref decimal sum = ref CollectionsMarshal.GetValueRefOrAddDefault(cells, (DateOnly.FromDayNumber(day), placement.Key), out _);
            sum = Money.Add(sum, amount);
            counted = Money.Add(counted, amount);
        }

        var reconciliation = new Reconciliation(_read, counted, [.. Enum.GetValues<Disposition>()
            .Where(static disposition => disposition != Disposition.Counted)
            .Select(disposition => (disposition, _piles[(int)disposition], _rows[(int)disposition]))]);
        reconciliation.Check();
        return new ClosedLedger(from, to, cells, reconciliation, MissingDays(), [.. _sources.Select(static source => source.Name)]);
    }

    private void AddDay(int source, Placement placement, int day, decimal amount, List<bool[]> seen)
    {
        int index = day - from.DayNumber;
        if ((uint)index >= (uint)(to.DayNumber - from.DayNumber))
        {
            Pile(Disposition.OutOfRange, amount);
            return;
        }

        // That a source speaks of a day at all is what makes the day known: also a row that is not counted says that the bill has come so far.
        seen[source][index] = true;
        if (placement.Disposition != Disposition.Counted)
        {
            Pile(placement.Disposition, amount);
            return;
        }

        ref decimal sum = ref CollectionsMarshal.GetValueRefOrAddDefault(_cells, (source, day, placement), out _);
        sum = Money.Add(sum, amount);
    }

    private void Pile(Disposition disposition, decimal amount) => _piles[(int)disposition] = Money.Add(_piles[(int)disposition], amount);

    private Dictionary<DateOnly, IReadOnlyList<string>> MissingDays()
    {
        var missing = new Dictionary<DateOnly, IReadOnlyList<string>>();
        // An export by the month has no other rows than those of many days.
        bool[][] said = [.. _seen.Select((days, source) => days.Contains(true) ? days : _seenWidely[source])];
        for (DateOnly day = from; day < to; day = day.AddDays(1))
        {
            string[] silent = [.. _sources.Index().Where(source => !said[source.Index][day.DayNumber - from.DayNumber]).Select(static source => source.Item.Name)];
            if (silent.Length > 0) missing.Add(day, silent);
        }

        return missing;
    }

    /// <summary>
    /// Two sources for one class, day and cluster are one dollar twice: two kinds of source always (the bill has the machines that OpenCost shares out), two of a kind
    /// unless their accounts differ. An amount without a cluster may be any cluster's.
    /// </summary>
    private void RefuseDoubleCounting()
    {
        IEnumerable<IGrouping<(int Day, ResourceClass Class), KeyValuePair<(int Source, int Day, Placement Placement), decimal>>> groups = _cells
            .Where(static cell => cell.Value != 0)
            .GroupBy(static cell => (cell.Key.Day, cell.Key.Placement.Key.Class));
        foreach (IGrouping<(int Day, ResourceClass Class), KeyValuePair<(int Source, int Day, Placement Placement), decimal>> group in groups.OrderBy(static group => group.Key))
        {
            (int Source, string Cluster, string Account)[] parties =
                [.. group.Select(static cell => (cell.Key.Source, cell.Key.Placement.Key.Cluster, cell.Key.Placement.Account)).Distinct()];
            if (parties.All(party => party.Source == parties[0].Source)) continue;
            foreach ((int Source, string Cluster, string Account) a in parties)
            {
                foreach ((int Source, string Cluster, string Account) b in parties)
                {
                    if (a.Source >= b.Source || !SameCluster(a.Cluster, b.Cluster)) continue;
                    (string Name, SourceKind Kind) first = _sources[a.Source], second = _sources[b.Source];
                    if (first.Kind == second.Kind && a.Account != b.Account) continue;
                    throw DoubleCounted(first, second, DateOnly.FromDayNumber(group.Key.Day), CostNames.Of(group.Key.Class), a.Cluster);
                }
            }
        }
    }

    private static bool SameCluster(string a, string b) => a == b || a == CostNames.Unallocated || b == CostNames.Unallocated;

    private static CostException DoubleCounted((string Name, SourceKind Kind) first, (string Name, SourceKind Kind) second, DateOnly day, string @class, string cluster) => new(
        $"{@class} of {Timestamps.Format(day)}, cluster {cluster}: both {first.Name} ({CostNames.Of(first.Kind)}) and {second.Name} ({CostNames.Of(second.Kind)}) have costs of it: "
        + (first.Kind == second.Kind
            ? "the same dollar would be counted twice; give each day and account once"
            : $"the same dollar would be counted twice; say in the rules whose it is, for example owners: {{{@class}: {CostNames.Of(first.Kind)}}}"));
}
