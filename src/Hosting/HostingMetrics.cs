using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Prometheus;

namespace LokiGateway.Hosting;

/// <summary>Every instrument of Hosting, under the names that Prometheus's own client libraries use for a process, so that stock
/// dashboards work.</summary>
public static class HostingMetrics
{
    /// <summary>Puts the process's own figures and <c>{prefix}_build_info</c> on a registry. They are read when the registry is
    /// scraped.</summary>
    public static void RegisterProcess(CollectorRegistry registry, string prefix, string version)
    {
        MetricFactory metrics = Prometheus.Metrics.WithCustomRegistry(registry);
        metrics.CreateGauge(prefix + "_build_info", "Always 1; the version is in the label.", "version").WithLabels(version).Set(1);
        var process = new ProcessFigures(metrics);
        registry.AddBeforeCollectCallback(process.Update);
    }

    internal static Gauge RuntimeConfigLastReloadSuccessful(CollectorRegistry registry, string prefix) =>
        Prometheus.Metrics.WithCustomRegistry(registry).CreateGauge(
            prefix + "_runtime_config_last_reload_successful", "1 when the overrides file was usable the last time it changed, else 0.");

    internal static ReloadFigures ConfigurationReload(CollectorRegistry registry, string prefix) => new(registry, prefix);

    /// <summary>What a configuration that is read again shows, under the names that Prometheus and its Alertmanager use.</summary>
    internal sealed class ReloadFigures(CollectorRegistry registry, string prefix)
    {
        private readonly Gauge _successful = Prometheus.Metrics.WithCustomRegistry(registry).CreateGauge(
            prefix + "_config_last_reload_successful", "1 when the configuration file was usable the last time it was read, else 0: the one before is in force.");

        private readonly Gauge _successAt = Prometheus.Metrics.WithCustomRegistry(registry).CreateGauge(
            prefix + "_config_last_reload_success_timestamp_seconds", "When the configuration in force was read.");

        private readonly Gauge _hash = Prometheus.Metrics.WithCustomRegistry(registry).CreateGauge(
            prefix + "_config_hash", "Hash of the text of the configuration in force: nodes that differ run different files.");

        /// <summary>48 bits, so that the value is exact in a double, of the text before variables are expanded: the same on each node.</summary>
        public static long HashText(string text)
        {
            byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
            return BinaryPrimitives.ReadInt64BigEndian(hash) >>> 16;
        }

        public void Applied(string text, DateTimeOffset at)
        {
            _hash.Set(HashText(text));
            _successAt.Set((at - DateTimeOffset.UnixEpoch).TotalSeconds);
            _successful.Set(1);
        }

        public void Refused() => _successful.Set(0);
    }

    private sealed class ProcessFigures(MetricFactory metrics)
    {
        private readonly Gauge _residentBytes = metrics.CreateGauge("process_resident_memory_bytes", "Resident memory of the process.");
        private readonly Counter _cpuSeconds = metrics.CreateCounter("process_cpu_seconds_total",
            "User and system CPU time of the process.");
        private readonly Gauge _openFiles = metrics.CreateGauge("process_open_fds", "Open file descriptors of the process.");
        private readonly Gauge _openFilesMax = metrics.CreateGauge("process_max_fds", "Most file descriptors that the process may open.");
        private readonly Gauge _startTime = metrics.CreateGauge("process_start_time_seconds",
            "When the process started, in seconds since the Unix epoch.");
        private readonly Counter _allocatedBytes = metrics.CreateCounter("dotnet_gc_allocated_bytes_total",
            "Bytes allocated on the managed heap since the start.");
        private readonly Gauge _heapBytes = metrics.CreateGauge("dotnet_gc_heap_bytes", "Bytes on the managed heap now.");
        private readonly Counter _collections = metrics.CreateCounter("dotnet_gc_collections_total",
            "Garbage collections since the start.", "generation");

        public void Update()
        {
            _residentBytes.Set(Environment.WorkingSet);
            _cpuSeconds.IncTo(Environment.CpuUsage.TotalTime.TotalSeconds);
            _openFiles.Set(LinuxProcess.OpenFiles());
            _openFilesMax.Set(LinuxProcess.OpenFilesMax);
            _startTime.Set(LinuxProcess.StartUnixSeconds);
            _allocatedBytes.IncTo(GC.GetTotalAllocatedBytes());
            _heapBytes.Set(GC.GetTotalMemory(forceFullCollection: false));
            for (int generation = 0; generation <= GC.MaxGeneration; generation++)
                _collections.WithLabels(generation.ToString(System.Globalization.CultureInfo.InvariantCulture))
                    .IncTo(GC.CollectionCount(generation));
        }
    }
}
