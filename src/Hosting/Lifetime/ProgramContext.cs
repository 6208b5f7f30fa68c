using System.CommandLine;
using LokiGateway.Hosting.Configuration;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace LokiGateway.Hosting.Lifetime;

/// <summary>What a program gets to run with.</summary>
/// <typeparam name="TOptions">Its bound configuration.</typeparam>
public sealed class ProgramContext<TOptions>
{
    public required TOptions Options { get; init; }

    /// <summary>The file that the options came from: /config shows <see cref="ConfigurationFile.ToMaskedYaml"/>.</summary>
    public required ConfigurationFile Configuration { get; init; }

    public required ILoggerFactory Logs { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>Already holds the process's own metrics.</summary>
    public required CollectorRegistry Registry { get; init; }

    public required ParseResult CommandLine { get; init; }

    /// <summary>Where results go (not logs): stdout.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Cancelled by the first SIGTERM or SIGINT: stop taking work and drain. The second signal ends the process.</summary>
    public required CancellationToken Stopping { get; init; }

    /// <summary>Set by ProgramHost; null when the configuration does not come from a file.</summary>
    internal Func<ConfigurationReloads<TOptions>>? Watch { get; init; }

    /// <summary>From now on SIGHUP reads the configuration again and does not end the process. Null when there is no file to read.</summary>
    public ConfigurationReloads<TOptions>? WatchConfiguration() => Watch?.Invoke();

    /// <summary>Completes when the program is asked to stop.</summary>
    public async Task WaitForStopAsync()
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration =
            Stopping.Register(static state => ((TaskCompletionSource)state!).TrySetResult(), stopped);
        await stopped.Task;
    }
}
