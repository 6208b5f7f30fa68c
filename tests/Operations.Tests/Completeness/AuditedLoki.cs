// A local Loki with the lines and the ledgers that shippers would have written, so that an audit runs on what a real one would find.
using System.Globalization;
using LokiGateway.LocalLoki;
using LokiGateway.Operations.Completeness;
using LokiGateway.Operations.Loki;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace LokiGateway.Operations.Tests.Completeness;

/// <summary>One server; every test has a tenant of its own.</summary>
public sealed class AuditedLoki : IAsyncLifetime
{
    private static int tenants;

    private readonly TempDirectory _directory = new("audit");
    private LocalLokiServer _server = null!;

    public string DataDirectory => _directory.Path;

    public Uri Address => _server.Address;

    public static string NewTenant() => $"audit-{Interlocked.Increment(ref tenants)}";

    /// <summary>The beginning of an hour, a few hours ago.</summary>
    public static DateTime Start { get; } = LedgerSpool.HourOf(TimeProvider.System.GetUtcNow().UtcDateTime).AddHours(-5);

    public async ValueTask InitializeAsync() => _server = await LocalLokiServer.StartAsync(
        new LocalLokiOptions
        {
            Listen = "127.0.0.1:0",
            DataDirectory = _directory.Path,
            Limits = new() { RejectOldSamples = false, IngestionRateMb = 10_000, IngestionBurstSizeMb = 10_000, MaxGlobalStreamsPerUser = 0 },
        },
        NullLoggerFactory.Instance, TimeProvider.System, Metrics.NewCustomRegistry(), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    public async Task StoreAsync(string tenant, params IEnumerable<LogStream> streams)
    {
        RawAnswer answer = await RawHttp.PushAsync(Address, tenant, PushRequests.Snappy(streams));
        Assert.Equal((204, ""), (answer.Status, answer.Body));
    }

    /// <summary>A node's ledger; its lines are written one after the other, from a moment on.</summary>
    public static LogStream Ledger(string node, DateTime written, IEnumerable<LedgerRecord> records, string? cluster = null) => new(
        $"{{job=\"{LedgerRecord.Job}\", node=\"{node}\"{(cluster is null ? "" : $", cluster=\"{cluster}\"")}}}",
        [.. records.Select((record, i) => new LogEntry(Nanos(written) + i, System.Text.Encoding.UTF8.GetString(record.ToUtf8())))]);

    public static LedgerRecord Record(string source, DateTime minute, long from, long to, string file = "259:1/10#aa", long epoch = 1) => new()
    {
        Version = LedgerRecord.CurrentVersion,
        Epoch = epoch,
        Source = source,
        File = file,
        Minute = minute,
        Lines = to - from,
        Entries = [from, to],
    };

    internal async Task<TenantAudit> AuditAsync(string tenant, AuditPeriod period, AuditOptions? options = null)
    {
        using var client = new LokiClient(new LokiSettings { Address = Address }, TimeProvider.System);
        using var auditor = new Auditor(client, tenant, period, options ?? new AuditOptions(), TimeProvider.System, static (_, _, _, _) => { });
        return await auditor.AuditAsync(period, CancellationToken.None);
    }

    /// <summary>Runs the command line; exit code, stdout and stderr.</summary>
    internal static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] args)
    {
        var output = new StringWriter(CultureInfo.InvariantCulture);
        var errors = new StringWriter(CultureInfo.InvariantCulture);
        int code = await OperationsCommandLine.RunAsync(args, Host(output, errors));
        return (code, output.ToString(), errors.ToString());
    }

    internal static OperationsHost Host(TextWriter output, TextWriter errors) =>
        new() { Output = output, Errors = errors, Time = TimeProvider.System, Environment = static _ => null };

    public static long Nanos(DateTime time) => (time - DateTime.UnixEpoch).Ticks * 100;

    public static string Text(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
