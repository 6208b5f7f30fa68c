namespace LokiGateway.Shipper.Discover;

/// <summary>
/// How far a pattern has been matched by the path of a directory: <see cref="Segment"/> is the one that its entries are compared with.
/// </summary>
internal readonly record struct GlobState(LogSource Source, PathGlob Glob, int Segment)
{
    public GlobSegment Current => Glob.Segments[Segment];

    public bool IsLast => Segment == Glob.Segments.Count - 1;
}

/// <summary>
/// All patterns that may still match below one directory. Shared by every directory in the same situation: 10,000 pods have one.
/// </summary>
internal sealed class GlobStates
{
    private readonly GlobStatesTable _table;

    internal GlobStates(GlobStatesTable table, GlobState[] states)
    {
        _table = table;
        States = states;
        IsLiteral = Array.TrueForAll(states, s => s.Current.Literal is not null);
        HasAnyDepth = Array.Exists(states, s => s.Current.IsAnyDepth);
    }

    public IReadOnlyList<GlobState> States { get; }

    /// <summary>Only plain names are looked for: the directory need not be listed (nor be readable).</summary>
    public bool IsLiteral { get; }

    /// <summary>A <c>**</c> is active: it does not follow symbolic links to directories, which may lead in a circle.</summary>
    public bool HasAnyDepth { get; }

    /// <summary>What is active in a subdirectory; null when nothing below it can match.</summary>
    public GlobStates? Enter(ReadOnlySpan<char> name, ReadOnlySpan<char> path, bool isLink)
    {
        List<GlobState>? next = null;
        foreach (GlobState state in (GlobState[])States)
        {
            GlobSegment segment = state.Current;
            if (segment.IsAnyDepth ? isLink : state.IsLast || !segment.Matches(name)) continue;
            if (ExcludesAllBelow(state.Source, path)) continue;
            (next ??= []).Add(segment.IsAnyDepth ? state : state with { Segment = state.Segment + 1 });
        }
        return next is null ? null : _table.Of(next);
    }

    /// <summary>The first source that a file of this name belongs to; null when none wants it.</summary>
    public LogSource? SourceOf(ReadOnlySpan<char> name, ReadOnlySpan<char> path)
    {
        LogSource? refused = null;
        foreach (GlobState state in (GlobState[])States)
        {
            if (!state.IsLast || ReferenceEquals(state.Source, refused) || !state.Current.Matches(name)) continue;
            if (!Excludes(state.Source, path)) return state.Source;
            refused = state.Source;
        }
        return null;
    }

    /// <summary>Whether a directory of this name is called like the files that somebody wants, which deserves a word.</summary>
    public bool LooksLikeFile(ReadOnlySpan<char> name)
    {
        foreach (GlobState state in (GlobState[])States)
            if (state.IsLast && !state.Current.MatchesEverything && state.Current.Matches(name)) return true;
        return false;
    }

    private static bool Excludes(LogSource source, ReadOnlySpan<char> path)
    {
        foreach (PathGlob exclude in source.Exclude)
            if (exclude.Matches(path)) return true;
        return false;
    }

    private static bool ExcludesAllBelow(LogSource source, ReadOnlySpan<char> directory)
    {
        foreach (PathGlob exclude in source.Exclude)
            if (exclude.MatchesAllBelow(directory)) return true;
        return false;
    }
}

/// <summary>Makes each distinct set of states once.</summary>
internal sealed class GlobStatesTable
{
    private readonly Dictionary<string, GlobStates> _known = new(StringComparer.Ordinal);
    private readonly Dictionary<PathGlob, int> _numbers = [];

    public GlobStatesTable(IReadOnlyList<LogSource> sources)
    {
        var roots = new List<GlobState>();
        foreach (LogSource source in sources)
            foreach (PathGlob glob in source.Paths)
            {
                _numbers.TryAdd(glob, _numbers.Count);
                roots.Add(new GlobState(source, glob, 0));
            }
        Root = Of(roots);
    }

    /// <summary>What is active in the root directory.</summary>
    public GlobStates Root { get; }

    internal GlobStates Of(List<GlobState> states)
    {
        var all = new List<GlobState>(states.Count + 1);
        foreach (GlobState state in states)
        {
            // "**" also stands for no directory at all: what follows it is active in the same place.
            for (GlobState s = state; ; s = s with { Segment = s.Segment + 1 })
            {
                if (!all.Contains(s)) all.Add(s);
                if (!s.Current.IsAnyDepth || s.IsLast) break;
            }
        }
        string key = string.Join(',', all.Select(s => $"{_numbers[s.Glob]}.{s.Segment}"));
        if (!_known.TryGetValue(key, out GlobStates? known)) _known[key] = known = new GlobStates(this, [.. all]);
        return known;
    }
}
