using Amazon.S3;
using LokiGateway.Operations.Loki;
using Prometheus;

namespace LokiGateway.Operations.Storage;

/// <summary>Looks and probes, once or again and again.</summary>
internal sealed class StorageRun(
    IAmazonS3 s3, LokiClient? loki, IReadOnlyList<string> tenants, StorageOptions options, string? stateFile, TimeSpan readbackTimeout, OperationsHost host)
{
    public StorageState State { get; } = StorageState.Load(stateFile, options.Bucket);

    public async Task<(IReadOnlyList<Freshness> Results, IReadOnlyList<ReadbackResult> Probes)> OnceAsync(CancellationToken ct)
    {
        try
        {
            IReadOnlyList<Freshness> results = await new StorageLook(s3, options, State, host.Time).LookAsync(ct);
            return (results, await ProbeAsync(ct));
        }
        finally
        {
            // A look that failed half way has seen something, too.
            State.Save(stateFile);
        }
    }

    public async Task<int> ServeAsync(string listen, TimeSpan interval, CancellationToken ct)
    {
        CollectorRegistry registry = Metrics.NewCustomRegistry();
        var metrics = new StorageMetrics(registry);
        metrics.Expect(options.Bucket, loki is null ? [] : tenants);
        bool looked = false;
        await using Exporter exporter = await Exporter.StartAsync(listen, registry, () => looked, host, ct);
        string? said = null;
        try
        {
            while (true)
            {
                try
                {
                    IReadOnlyList<Freshness> results = await new StorageLook(s3, options, State, host.Time).LookAsync(ct);
                    metrics.Looked(State, results, host.Time.GetUtcNow());
                    State.Save(stateFile);
                    (looked, said) = (true, null);
                }
                catch (StorageException failure)
                {
                    metrics.Failed(options.Bucket);
                    if (said != failure.Message) await host.Errors.WriteLineAsync($"lokiops storage-lag: {failure.Message}");
                    said = failure.Message;
                }
                foreach (ReadbackResult probe in await ProbeAsync(ct)) metrics.ReadBack(probe);
                await Task.Delay(interval, host.Time, ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return OperationsExitCodes.Success;
        }
    }

    private async Task<IReadOnlyList<ReadbackResult>> ProbeAsync(CancellationToken ct) =>
        loki is null ? [] : await Task.WhenAll(tenants.Select(tenant => Readback.MeasureAsync(loki, tenant, readbackTimeout, host.Time, ct)));
}
