// What all parts share: the options, the binaries, the input, a scratch folder, and the lists that results are added to.
using LokiGateway.Benchmarks.Input;
using LokiGateway.Benchmarks.Report;
using LokiGateway.Benchmarks.Run;

namespace LokiGateway.Benchmarks;

/// <summary>As typed.</summary>
/// <param name="Only">Names of parts; empty for all.</param>
/// <param name="LogBytes">Size of the input.</param>
/// <param name="Repeat">Repetitions of each measurement.</param>
/// <param name="FleetSeconds">How long each run of the fleet takes.</param>
internal sealed record BenchmarkOptions(IReadOnlySet<string> Only, long LogBytes, int Repeat, bool Json, double FleetSeconds)
{
    public bool Runs(string part) => Only.Count == 0 || Only.Contains(part);
}

/// <summary>One run of the program. Parts run one after the other and never at the same time.</summary>
internal sealed class BenchmarkSession(
    BenchmarkOptions options, Binaries binaries, LogCorpus logs, string scratch, Progress progress, CancellationToken cancellation)
{
    private readonly List<Result> _results = [];
    private readonly List<Figure> _figures = [];
    private int _scratchFolders;

    public BenchmarkOptions Options => options;

    public Binaries Binaries => binaries;

    public LogCorpus Logs => logs;

    public Progress Progress => progress;

    public CancellationToken Cancellation => cancellation;

    public IReadOnlyList<Result> Results => _results;

    public IReadOnlyList<Figure> Figures => _figures;

    public void Add(Result result) => _results.Add(result);

    public void Add(Figure figure) => _figures.Add(figure);

    /// <summary>Runs a measurement as often as asked for, with a step of the progress bar for each.</summary>
    public async Task<IReadOnlyList<Sample>> RepeatAsync(string what, Func<Task<Sample>> measure)
    {
        var samples = new List<Sample>(options.Repeat);
        for (int repetition = 1; repetition <= options.Repeat; repetition++)
        {
            cancellation.ThrowIfCancellationRequested();
            using ProgressStep step = progress.Begin($"{what}, {repetition} of {options.Repeat}");
            samples.Add(await measure());
        }
        return samples;
    }

    /// <summary>A new empty folder, deleted with the session.</summary>
    public string NewFolder(string name) => Directory.CreateDirectory(Path.Combine(scratch, $"{++_scratchFolders}-{name}")).FullName;
}
