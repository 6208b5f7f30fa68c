using System.Text;

namespace LokiGateway.Hosting.Configuration;

/// <summary>
/// One strict YAML configuration. Code asks <see cref="Root"/> for its keys; <see cref="Finish"/> then reports every error at once, and
/// as unknown
/// every key that nobody asked for: a misspelled limit must stop the start and not silently be no limit.
/// </summary>
/// <remarks>Not thread safe; used while a program starts or a file is reloaded, then thrown away.</remarks>
public sealed class ConfigurationFile
{
    // Loki's largest known overrides files hold a few thousand tenants, well under this. Above it is not a configuration.
    private const int FileBytesMax = 1 << 20;

    // More than a screenful helps nobody.
    private const int ErrorsShownMax = 50;

    private readonly SortedList<(Position At, int Order), string> _errors = [];
    private readonly Dictionary<string, ConfigurationKey> _asked = new(StringComparer.Ordinal);
    private readonly List<ConfigurationKey> _askedInOrder = [];
    private readonly string _name;

    private ConfigurationFile(string name, bool isDocumentation = false)
    {
        _name = name;
        IsDocumentation = isDocumentation;
        Root = new ConfigurationSection(this, "", "", new MappingNode(new Position(1, 1)));
    }

    /// <summary>The section that holds the top-level keys.</summary>
    public ConfigurationSection Root { get; private set; }

    /// <summary>Every key asked for so far, in the order of asking: what docs/CONFIGURATION.md is checked against.</summary>
    public IReadOnlyList<ConfigurationKey> AskedKeys => _askedInOrder;

    /// <summary>Lists answer with one empty item and required keys with a placeholder, so that a binder walks through all its
    /// keys.</summary>
    internal bool IsDocumentation { get; }

    /// <summary>Reads and parses a file. Throws <see cref="ConfigurationException"/> with a text for humans when it cannot be read or is
    /// not YAML.</summary>
    /// <param name="path">Shown in every error as it is given here.</param>
    /// <param name="environment">Values of <c>${VAR}</c>; the process's environment when null.</param>
    public static ConfigurationFile Load(string path, Func<string, string?>? environment = null) =>
        Parse(ReadText(path), path, environment);

    /// <summary>Parses a text. Syntax errors throw at once; everything else waits for <see cref="Finish"/>.</summary>
    public static ConfigurationFile Parse(string yaml, string fileName, Func<string, string?>? environment = null)
    {
        if (yaml.Length > FileBytesMax) throw TooLarge(fileName);
        if (VariableExpansion.TryMask(yaml, out string? maskError) is not { } variables)
            throw new ConfigurationException($"{fileName}: {maskError}");

        var file = new ConfigurationFile(fileName);
        MappingNode? root = YamlTreeReader.Read(
            variables, environment ?? Environment.GetEnvironmentVariable, (at, message) => file.AddError(at, path: null, message));
        if (root is null) throw new ConfigurationException([.. file._errors.Values]);
        file.Root = new ConfigurationSection(file, "", "", root);
        return file;
    }

    /// <summary>A file without content for which every key can be asked: the source of the documentation.</summary>
    public static ConfigurationFile ForDocumentation() => new("documentation", isDocumentation: true);

    /// <summary>The content of a configuration file, with the errors that a file system gives in words.</summary>
    internal static string ReadText(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            // Read every second while a program watches its file: as much as the file has, and only what has no length (a pipe) gets the most.
            long expected = stream.CanSeek ? stream.Length : FileBytesMax;
            byte[] bytes = new byte[(expected is 0 or >= FileBytesMax ? FileBytesMax : (int)expected) + 1];
            int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > FileBytesMax) throw TooLarge(path);
            if (length == bytes.Length) throw new ConfigurationException($"{path}: grew while it was read");
            ReadOnlySpan<byte> content = bytes.AsSpan(0, length);
            if (content.StartsWith(Encoding.UTF8.Preamble)) content = content[Encoding.UTF8.Preamble.Length..];
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content);
        }
        catch (DecoderFallbackException invalid)
        {
            throw new ConfigurationException($"{path}: is not UTF-8 text (byte {invalid.Index})", invalid);
        }
        catch (FileNotFoundException missing)
        {
            throw new ConfigurationException($"{path}: there is no such file", missing);
        }
        catch (DirectoryNotFoundException missing)
        {
            throw new ConfigurationException($"{path}: there is no such file", missing);
        }
        catch (UnauthorizedAccessException denied)
        {
            string why = Directory.Exists(path) ? "is a directory" : $"may not be read by user {Environment.UserName}";
            throw new ConfigurationException($"{path}: {why}", denied);
        }
        catch (IOException broken)
        {
            throw new ConfigurationException($"{path}: cannot be read: {broken.Message}", broken);
        }
    }

    /// <summary>Throws one <see cref="ConfigurationException"/> that names every error and every unknown key. To be called when all keys
    /// were asked for.</summary>
    public void Finish()
    {
        if (IsDocumentation) return;
        Root.ReportUnknownKeys();
        if (_errors.Count == 0) return;
        List<string> shown = [.. _errors.Values.Distinct().Take(ErrorsShownMax)];
        if (_errors.Count > shown.Count && shown.Count == ErrorsShownMax)
            shown.Add($"{_name}: and {_errors.Count - shown.Count} more errors");
        throw new ConfigurationException(shown);
    }

    /// <summary>The effective configuration: every key asked for with its value or default, secrets as <c>********</c>. For
    /// /config.</summary>
    public string ToMaskedYaml() => MaskedYaml.Write(Root);

    internal void AddError(Position at, string? path, string message) =>
        _errors.Add((at, _errors.Count), $"{_name}:{at.Line}:{at.Column}: {(string.IsNullOrEmpty(path) ? "" : path + ": ")}{message}");

    private static ConfigurationException TooLarge(string file) =>
        new($"{file}: is larger than {ByteSizes.Format(FileBytesMax)}, the most that a configuration file may have");

    internal void AddAsked(ConfigurationKey key)
    {
        if (_asked.TryAdd(key.Path, key)) _askedInOrder.Add(key);
    }

    /// <summary>Where else a key of this name is known: most misplaced keys are only indented wrongly.</summary>
    internal IEnumerable<string> PlacesOf(string key) =>
        _askedInOrder.Where(asked => asked.Path.EndsWith("." + key, StringComparison.Ordinal))
            .Select(asked => asked.Path[..^(key.Length + 1)]);
}
