// `--micro`: BenchmarkDotNet over the pieces that every line or push passes, with allocations. Run inside this process, because the default
// toolchain would build a project of its own and cannot see our internals.
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace LokiGateway.Benchmarks.Micro;

internal static class MicroBenchmarks
{
    public static int Run(string[] arguments)
    {
        ManualConfig configuration = ManualConfig.Create(DefaultConfig.Instance)
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
        string[] filter = arguments.Length == 0 ? ["--filter", "*"] : arguments;
        IEnumerable<Summary> summaries = BenchmarkSwitcher.FromAssembly(typeof(MicroBenchmarks).Assembly).Run(filter, configuration);
        return summaries.Any(summary => summary.HasCriticalValidationErrors) ? 1 : 0;
    }
}
