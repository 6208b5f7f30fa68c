using System.Runtime.InteropServices;
using System.Threading.Channels;
using LokiGateway.Hosting.Configuration;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Hosting.Lifetime;

/// <summary>
/// Reads the configuration file again on SIGHUP and when its content changes, so that a change of a DaemonSet's ConfigMap needs no rollout. A file with errors
/// keeps the configuration in force: every error is logged as at the start, and <c>config_last_reload_successful</c> is 0 until the file is good again.
/// </summary>
/// <remarks>
/// The content is compared and not a time: Kubernetes swaps a symbolic link (<c>..data</c>) above the file, and tools that keep times and lengths exist. One
/// reader of <see cref="NextAsync"/>, which answers each with <see cref="Applied"/> or <see cref="Refused"/>.
/// </remarks>
public sealed class ConfigurationReloads<TOptions> : IDisposable
{
    /// <summary>A changed file is taken when two looks in a row find the same: an editor may be in the middle of writing it at the first.</summary>
    public static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly Func<string, LoadedConfiguration<TOptions>> _load;
    private readonly ILogger _log;
    private readonly HostingMetrics.ReloadFigures _figures;
    private readonly TimeProvider _time;
    private readonly Channel<bool> _look = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly System.Threading.ITimer _timer;
    private readonly PosixSignalRegistration _hangUp;
    private string _inForce;
    private string? _candidate;
    private string? _refused;
    private bool _isRefused;
    private string? _unreadable;
    private bool _unreadableSaid;
    private int _asked;

    internal ConfigurationReloads(
        string path, string text, Func<string, LoadedConfiguration<TOptions>> load, HostingMetrics.ReloadFigures figures, TimeProvider time, ILogger log)
    {
        (_path, _inForce, _load, _figures, _time, _log) = (path, text, load, figures, time, log);
        _figures.Applied(text, time.GetUtcNow());
        _hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            // Without this the runtime would end the process.
            context.Cancel = true;
            Ask();
        });
        _timer = time.CreateTimer(static state => ((ConfigurationReloads<TOptions>)state!)._look.Writer.TryWrite(true), this, LookPeriod, LookPeriod);
    }

    /// <summary>What SIGHUP does: the file is read now, even when it was refused before as it is.</summary>
    public void Ask()
    {
        Interlocked.Exchange(ref _asked, 1);
        _look.Writer.TryWrite(true);
    }

    /// <summary>Waits for the next configuration that can be read and has no errors of its own. One that has is said here.</summary>
    public async Task<LoadedConfiguration<TOptions>> NextAsync(CancellationToken ct)
    {
        while (true)
        {
            await _look.Reader.ReadAsync(ct).ConfigureAwait(false);
            if (Look(asked: Interlocked.Exchange(ref _asked, 0) == 1) is { } loaded) return loaded;
        }
    }

    /// <summary>It is in force now.</summary>
    public void Applied(LoadedConfiguration<TOptions> loaded)
    {
        _inForce = loaded.Text;
        (_refused, _isRefused) = (null, false);
        _figures.Applied(loaded.Text, _time.GetUtcNow());
        Log.ConfigurationApplied(_log, _path, HostingMetrics.ReloadFigures.HashText(loaded.Text));
    }

    /// <summary>It cannot be used for a reason that only the program could find; the one before stays in force.</summary>
    public void Refused(LoadedConfiguration<TOptions> loaded, IReadOnlyList<string> errors) => Refuse(loaded.Text, errors);

    public void Dispose()
    {
        _hangUp.Dispose();
        _timer.Dispose();
    }

    internal LoadedConfiguration<TOptions>? Look(bool asked)
    {
        if (ReadFile(asked) is not { } text) return null;
        if (text == _inForce)
        {
            _candidate = null;
            if (asked || _isRefused) Log.ConfigurationUnchanged(_log, _path);
            // Whoever broke the file may have taken that back.
            if (asked || _isRefused) _figures.Applied(text, _time.GetUtcNow());
            (_refused, _isRefused) = (null, false);
            return null;
        }
        if (!asked)
        {
            if (text == _refused) return null;
            if (text != _candidate)
            {
                _candidate = text;
                return null;
            }
        }
        _candidate = null;
        try
        {
            return _load(text);
        }
        catch (ConfigurationException broken)
        {
            Refuse(text, broken.Errors);
            return null;
        }
    }

    private string? ReadFile(bool asked)
    {
        try
        {
            string text = ConfigurationFile.ReadText(_path);
            (_unreadable, _unreadableSaid) = (null, false);
            return text;
        }
        catch (ConfigurationException broken)
        {
            // While somebody replaces it the file is not there for a moment: only what two looks in a row find is said, and said once.
            bool lasts = _unreadable == broken.Message;
            _unreadable = broken.Message;
            if (asked || (lasts && !_unreadableSaid))
            {
                _unreadableSaid = true;
                Refuse(null, broken.Errors);
            }
            return null;
        }
    }

    private void Refuse(string? text, IReadOnlyList<string> errors)
    {
        _refused = text;
        _isRefused = true;
        foreach (string error in errors) Log.ConfigurationRefused(_log, error);
        _figures.Refused();
    }
}
