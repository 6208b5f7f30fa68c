// Files that somebody else rotates, secrets and certificates above all: one reader for all of them, so that a half written file, a swapped link and a slip in an editor
// are met in the same way everywhere.
namespace LokiGateway.Hosting.Configuration;

/// <summary>
/// Reads files that belong together, and reads them again when the content of one changes. Compared by content and not by time, because Kubernetes swaps a link above
/// them. A change is taken when two looks in a row find the same: at the first, somebody may be in the middle of writing it.
/// </summary>
/// <remarks>The callbacks run one at a time on a thread of the timer.</remarks>
public sealed class ReloadedFiles : IAsyncDisposable
{
    /// <summary>A few reads a second of small files cost nothing.</summary>
    public static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(1);

    private readonly IReadOnlyList<string> _paths;
    private readonly Action<IReadOnlyList<string>> _apply;
    private readonly Action<IReadOnlyList<string>> _refused;
    private readonly Action _settled;
    private readonly Lock _looking = new();
    private readonly ITimer _timer;
    private string[] _inForce;
    private string[]? _candidate;
    private string[]? _broken;
    private string? _unreadable;
    private bool _isRefused;
    private bool _unreadableSaid;

    /// <summary>Reads and applies them once.</summary>
    /// <param name="paths">The files.</param>
    /// <param name="apply">Takes their texts, in this order, or throws <see cref="ConfigurationException"/> and leaves everything as it was.</param>
    /// <param name="refused">Told the errors, once for each content that cannot be used.</param>
    /// <param name="settled">Told when what the files hold is in force (again).</param>
    /// <param name="time">Drives the looks.</param>
    /// <exception cref="ConfigurationException">They cannot be used.</exception>
    public ReloadedFiles(
        IReadOnlyList<string> paths, Action<IReadOnlyList<string>> apply, Action<IReadOnlyList<string>> refused, Action settled, TimeProvider time)
    {
        (_paths, _apply, _refused, _settled) = (paths, apply, refused, settled);
        _inForce = Read();
        apply(_inForce);
        settled();
        _timer = time.CreateTimer(static state => ((ReloadedFiles)state!).Look(), this, LookPeriod, LookPeriod);
    }

    /// <summary>Ends the looks; what is in force stays.</summary>
    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    /// <summary>Looks now. Called by the timer; safe to call from elsewhere.</summary>
    public void Look()
    {
        if (!_looking.TryEnter()) return;
        try
        {
            Compare(Read());
        }
        catch (ConfigurationException unreadable)
        {
            _candidate = null;
            // While somebody replaces it a file is not there for a moment: only what two looks in a row find is said, and said once.
            bool lasts = _unreadable == unreadable.Message;
            _unreadable = unreadable.Message;
            if (!lasts || _unreadableSaid) return;
            _unreadableSaid = true;
            Refuse(null, unreadable);
        }
        finally
        {
            _looking.Exit();
        }
    }

    private void Compare(string[] texts)
    {
        (_unreadable, _unreadableSaid) = (null, false);
        if (texts.SequenceEqual(_inForce))
        {
            (_candidate, _broken) = (null, null);
            if (_isRefused) _settled();
            _isRefused = false;
            return;
        }

        if (_broken is not null && texts.SequenceEqual(_broken)) return;
        if (_candidate is null || !texts.SequenceEqual(_candidate))
        {
            _candidate = texts;
            return;
        }

        _candidate = null;
        try
        {
            _apply(texts);
        }
        catch (ConfigurationException broken)
        {
            Refuse(texts, broken);
            return;
        }

        (_inForce, _broken, _isRefused) = (texts, null, false);
        _settled();
    }

    private void Refuse(string[]? texts, ConfigurationException broken)
    {
        (_broken, _isRefused) = (texts, true);
        _refused(broken.Errors);
    }

    private string[] Read() => [.. _paths.Select(static path => ConfigurationFile.ReadText(path))];
}
