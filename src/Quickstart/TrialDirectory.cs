// Where a trial keeps its data. --once leaves nothing behind; following keeps its place, so that a second start goes on where the first ended.

namespace LokiGateway.Quickstart;

internal sealed class TrialDirectory : IDisposable
{
    private readonly bool isTemporary;

    private TrialDirectory(string path, bool isTemporary)
    {
        Path = path;
        IsResumed = Directory.Exists(Shipper) && Directory.EnumerateFileSystemEntries(Shipper).Any();
        this.isTemporary = isTemporary;
    }

    public string Path { get; }

    /// <summary>An earlier run left its positions here: what it read is not read again.</summary>
    public bool IsResumed { get; }

    public string Loki => System.IO.Path.Combine(Path, "loki");

    public string Shipper => System.IO.Path.Combine(Path, "shipper");

    /// <exception cref="QuickstartException">The directory cannot be made.</exception>
    public static TrialDirectory Open(QuickstartOptions options)
    {
        bool isTemporary = options.DataDirectory is null && options.Once;
        string path = options.DataDirectory is { } chosen ? System.IO.Path.GetFullPath(chosen)
            : isTemporary ? System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"lokigateway-quickstart-{Guid.NewGuid():N}")
            : System.IO.Path.Combine(StateHome(), "lokigateway", "quickstart");
        TrialDirectory directory = new(path, isTemporary);
        try
        {
            Directory.CreateDirectory(directory.Loki);
            Directory.CreateDirectory(directory.Shipper);
            return directory;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new QuickstartException($"cannot keep data in {path}: {error.Message} (choose another directory with --data)");
        }
    }

    public void Dispose()
    {
        if (isTemporary) Directory.Delete(Path, recursive: true);
    }

    // XDG base directories: state that should survive a restart. Without a home directory, such as in a container, the temporary one.
    private static string StateHome()
    {
        if (Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } state && System.IO.Path.IsPathRooted(state)) return state;
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length > 0 ? System.IO.Path.Combine(home, ".local", "state") : System.IO.Path.GetTempPath();
    }
}
