using System.Globalization;

namespace LokiGateway.Hosting.Configuration;

/// <summary>
/// A map of settings that is ASKED for its keys. Each question says type, default, allowed range and meaning; from the questions come the
/// checks, the
/// documentation and the list of known keys. After an error a getter answers with its fallback: the error itself waits for
/// <see cref="ConfigurationFile.Finish"/>.
/// </summary>
public sealed class ConfigurationSection
{
    private readonly ConfigurationFile _file;
    private readonly MappingNode _node;
    private readonly string _documentationPath;
    private readonly List<AskedValue> _asked = [];
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string> _tolerated = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ConfigurationSection> _children = new(StringComparer.Ordinal);
    private bool _anyKey;

    internal ConfigurationSection(ConfigurationFile file, string path, string documentationPath, MappingNode node)
    {
        _file = file;
        _node = node;
        _documentationPath = documentationPath;
        Path = path;
    }

    private delegate bool Parser<T>(string text, out T value, out string error);

    /// <summary>Where this section stands: <c>endpoint.tls</c>, <c>sources[0]</c>; empty for the root.</summary>
    public string Path { get; }

    /// <summary>The keys that the file has here, known or not.</summary>
    public IEnumerable<string> Keys => _node.Pairs.Select(static pair => pair.Key.Text);

    internal IReadOnlyList<AskedValue> Asked => _asked;

    /// <summary>True when the file gives this key a value.</summary>
    public bool Has(string key) => _node[key] is { IsNull: false };

    public string String(string key, string fallback, string help, bool secret = false) =>
        Ask(key, "text", Quote(fallback), null, help, fallback, ParseText, Quote, secret);

    public string? OptionalString(string key, string help, bool secret = false) =>
        Ask<string?>(key, "text", null, null, help, null, ParseText!, static text => text is null ? null : Quote(text), secret);

    public string RequiredString(string key, string help, bool secret = false) =>
        Ask(key, "text", null, null, help, "", ParseRequiredText, Quote, secret, required: true);

    public bool Boolean(string key, bool fallback, string help) =>
        Ask(key, "boolean", FormatBoolean(fallback), "true, false", help, fallback, ParseBoolean, FormatBoolean);

    public int Integer(string key, int fallback, int min, int max, string help) => (int)Long(key, fallback, min, max, help);

    public long Long(string key, long fallback, long min, long max, string help) =>
        Ask(key, "integer", FormatLong(fallback),
            Range(FormatLong(min), max == long.MaxValue || max == int.MaxValue ? null : FormatLong(max)), help, fallback,
            (string text, out long value, out string error) =>
                ParseLong(text, out value, out error) && InRange(value, min, max, FormatLong, ref error), FormatLong);

    public double Number(string key, double fallback, double min, double max, string help) =>
        Ask(key, "number", FormatNumber(fallback),
            Range(FormatNumber(min), double.IsInfinity(max) || max == double.MaxValue ? null : FormatNumber(max)), help, fallback,
            (string text, out double value, out string error) =>
                ParseNumber(text, out value, out error) && InRange(value, min, max, FormatNumber, ref error), FormatNumber);

    /// <summary>Go's and Prometheus's durations: <c>100ms</c>, <c>1h30m</c>, <c>7d</c>.</summary>
    public TimeSpan Duration(string key, TimeSpan fallback, TimeSpan min, TimeSpan max, string help) =>
        Ask(key, "duration", Durations.Format(fallback),
            Range(Durations.Format(min), max == TimeSpan.MaxValue ? null : Durations.Format(max)), help, fallback,
            (string text, out TimeSpan value, out string error) =>
                Durations.TryParse(text, out value, out error) && InRange(value, min, max, Durations.Format, ref error),
            Durations.Format);

    /// <summary>Bytes: <c>1048576</c>, <c>256KiB</c>, <c>256KB</c> (1024 in each spelling, as Loki reads them).</summary>
    public long Size(string key, long fallback, long min, long max, string help) =>
        Ask(key, "size", ByteSizes.Format(fallback), Range(ByteSizes.Format(min), max == long.MaxValue ? null : ByteSizes.Format(max)),
            help, fallback,
            (string text, out long value, out string error) =>
                ByteSizes.TryParse(text, out value, out error) && InRange(value, min, max, ByteSizes.Format, ref error),
            ByteSizes.Format);

    public T Choice<T>(string key, T fallback, IReadOnlyDictionary<string, T> choices, string help)
        where T : notnull =>
        Ask(key, "choice", NameOf(fallback, choices), string.Join(", ", choices.Keys), help, fallback, ParseChoice(choices),
            value => NameOf(value, choices));

    /// <summary>A choice without a default: the file must make it.</summary>
    public T RequiredChoice<T>(string key, IReadOnlyDictionary<string, T> choices, string help)
        where T : notnull =>
        Ask(key, "choice", null, string.Join(", ", choices.Keys), help, choices.Values.First(), ParseChoice(choices),
            value => NameOf(value, choices), required: true);

    /// <summary>An absolute http or https address. The placeholder after an error is never used: Finish throws.</summary>
    public Uri RequiredUri(string key, string help) =>
        Ask(key, "url", null, null, help, new Uri("http://localhost/"), ParseUri!, FormatUri!, required: true);

    public Uri? OptionalUri(string key, string help) => Ask<Uri?>(key, "url", null, null, help, null, ParseUri, FormatUri);

    public Uri Uri(string key, Uri fallback, string help) =>
        Ask(key, "url", FormatUri(fallback), null, help, fallback, ParseUri!, FormatUri!);

    /// <summary>An address to listen on, to be read with <see cref="ListenAddress"/>. An empty fallback: not listening by
    /// default.</summary>
    public string Listen(string key, string fallback, string help) =>
        Ask(key, "address", Quote(fallback), null, help, fallback, ParseListen, Quote);

    /// <summary>A list of texts; a single text counts as a list of one.</summary>
    public IReadOnlyList<string> Strings(string key, string help) => Strings(key, [], help);

    public IReadOnlyList<string> Strings(string key, IReadOnlyList<string> fallback, string help)
    {
        Note(key, "list", MaskedYaml.FlowList(fallback), false, null, help, false);
        IReadOnlyList<string> values = fallback;
        if (_node[key] is { IsNull: false } node)
        {
            values = node switch
            {
                SequenceNode list => Texts(key, list),
                ScalarNode text => [text.Text],
                _ => WrongType(key, node, "a list", fallback),
            };
        }

        Record(key, MaskedYaml.FlowList(values));
        return values;
    }

    /// <summary>A map from free names to texts, in the order of the file.</summary>
    public IReadOnlyDictionary<string, string> StringMap(string key, string help)
    {
        Note(key, "map", "{}", false, null, help, false);
        var values = new OrderedDictionary<string, string>(StringComparer.Ordinal);
        if (_node[key] is { IsNull: false } node)
        {
            foreach ((ScalarNode name, ConfigurationNode value) in MapAt(key, node).Pairs)
            {
                if (value is ScalarNode text) values[name.Text] = text.IsNull ? "" : text.Text;
                else _file.AddError(value.At, $"{Join(Path, key)}.{name.Text}", $"expected a text, found {value.Kind}");
            }
        }

        Record(key, MaskedYaml.FlowMap(values));
        return values;
    }

    /// <summary>A nested map. One that is absent answers like an empty one.</summary>
    public ConfigurationSection Section(string key, string help)
    {
        if (_children.TryGetValue(key, out ConfigurationSection? known)) return known;
        Note(key, "map", null, false, null, help, false);
        MappingNode node = _node[key] switch
        {
            null or { IsNull: true } => new MappingNode(PositionOf(key)),
            { } other => MapAt(key, other),
        };
        var section = new ConfigurationSection(_file, Join(Path, key), Join(_documentationPath, key), node);
        _children.Add(key, section);
        Record(key, section);
        return section;
    }

    /// <summary>A list of maps.</summary>
    public IReadOnlyList<ConfigurationSection> Sections(string key, string help)
    {
        Note(key + "[]", "list", null, false, null, help, false, known: key);
        var sections = new List<ConfigurationSection>();
        if (_node[key] is { IsNull: false } node)
        {
            SequenceNode list = node as SequenceNode ?? WrongType(key, node, "a list of maps", new SequenceNode(node.At));
            foreach (ConfigurationNode item in list.Items)
            {
                string path = $"{Join(Path, key)}[{sections.Count}]";
                if (item is not MappingNode) _file.AddError(item.At, path, $"expected a map, found {item.Kind}");
                MappingNode content = item as MappingNode ?? new MappingNode(item.At);
                sections.Add(new ConfigurationSection(_file, path, Join(_documentationPath, key) + "[]", content));
            }
        }
        else if (_file.IsDocumentation)
        {
            sections.Add(new ConfigurationSection(_file, $"{Join(Path, key)}[]", Join(_documentationPath, key) + "[]",
                new MappingNode(_node.At)));
        }

        Record(key, sections);
        return sections;
    }

    /// <summary>A map of maps whose names are free, such as tenants.</summary>
    public IReadOnlyList<(string Name, ConfigurationSection Section)> NamedSections(string key, string help)
    {
        Note(key + ".<name>", "map", null, false, null, help, false, known: key);
        var sections = new List<(string Name, ConfigurationSection Section)>();
        if (_node[key] is { IsNull: false } node)
        {
            foreach ((ScalarNode name, ConfigurationNode value) in MapAt(key, node).Pairs)
            {
                string path = $"{Join(Path, key)}.{name.Text}";
                if (value is not MappingNode && !value.IsNull) _file.AddError(value.At, path, $"expected a map, found {value.Kind}");
                MappingNode content = value as MappingNode ?? new MappingNode(value.At);
                sections.Add((name.Text, new ConfigurationSection(_file, path, Join(_documentationPath, key) + ".<name>", content)));
            }
        }
        else if (_file.IsDocumentation)
        {
            string path = Join(_documentationPath, key) + ".<name>";
            sections.Add(("<name>", new ConfigurationSection(_file, path, path, new MappingNode(_node.At))));
        }

        Record(key, sections);
        return sections;
    }

    /// <summary>Keys that are accepted without having a meaning here, such as settings of Loki that only Loki itself needs.</summary>
    public void Tolerate(IEnumerable<string> keys) => _tolerated.UnionWith(keys);

    /// <summary>Accepts whatever stands here: for parts of a foreign file that are none of our business.</summary>
    public void TolerateAll() => _anyKey = true;

    /// <summary>An error found by the caller, shown with the position of the key (or of the section when the file does not have the
    /// key).</summary>
    public void Error(string key, string message) => _file.AddError(PositionOf(key), Join(Path, key), message);

    internal void ReportUnknownKeys()
    {
        foreach (AskedValue asked in _asked)
        {
            foreach (ConfigurationSection child in asked.Sections)
                child.ReportUnknownKeys();
        }

        if (_anyKey) return;
        foreach ((ScalarNode key, ConfigurationNode _) in _node.Pairs)
        {
            if (_known.Contains(key.Text) || _tolerated.Contains(key.Text)) continue;
            string hint = Spelling.DidYouMean(key.Text, _known.Concat(_tolerated));
            string[] places = hint.Length > 0 ? [] : [.. _file.PlacesOf(key.Text).Take(2)];
            if (places.Length > 0) hint = $"; it belongs under {string.Join(" or ", places.Select(static place => $"\"{place}\""))}";
            else if (hint.Length == 0 && _known.Count is > 0 and <= 12) hint = $"; known here: {string.Join(", ", _known)}";
            _file.AddError(key.At, Join(Path, key.Text), "unknown key" + hint);
        }
    }

    private T Ask<T>(
        string key, string type, string? fallbackText, string? range, string help, T fallback, Parser<T> parse, Func<T, string?> format,
        bool secret = false, bool required = false)
    {
        Note(key, type, fallbackText, required, range, help, secret);
        T value = fallback;
        switch (_node[key])
        {
            case null or { IsNull: true }:
                if (required) Error(key, $"is required: {help}");
                break;
            case ScalarNode scalar:
                if (parse(scalar.Text, out T parsed, out string error)) value = parsed;
                else _file.AddError(scalar.At, Join(Path, key), secret ? "is not a usable value" : error);
                break;
            case { } other:
                WrongType(key, other, Article(type), fallback);
                break;
        }

        Record(key, secret && value is not (null or "") ? "\"********\"" : format(value));
        return value;
    }

    private List<string> Texts(string key, SequenceNode list)
    {
        var texts = new List<string>();
        foreach (ConfigurationNode item in list.Items)
        {
            if (item is ScalarNode { IsNull: false } text) texts.Add(text.Text);
            else _file.AddError(item.At, $"{Join(Path, key)}[{texts.Count}]", $"expected a text, found {item.Kind}");
        }

        return texts;
    }

    private MappingNode MapAt(string key, ConfigurationNode node) =>
        node as MappingNode ?? WrongType(key, node, "a map", new MappingNode(node.At));

    private T WrongType<T>(string key, ConfigurationNode found, string expected, T fallback)
    {
        _file.AddError(found.At, Join(Path, key), $"expected {expected}, found {found.Kind}");
        return fallback;
    }

    private void Note(string key, string type, string? fallback, bool required, string? range, string help, bool secret,
        string? known = null)
    {
        Know(known ?? key);
        _file.AddAsked(new ConfigurationKey(Join(_documentationPath, key), type, fallback, required, range, help, secret));
    }

    private void Know(string key) => _known.Add(key);

    private void Record(string key, string? text) => Replace(new AskedValue(key, text, [], []));

    private void Record(string key, ConfigurationSection section) => Replace(new AskedValue(key, null, [section], []));

    private void Record(string key, List<ConfigurationSection> sections) =>
        Replace(new AskedValue(key, null, sections, []) { IsList = true });

    private void Record(string key, List<(string Name, ConfigurationSection Section)> sections) =>
        Replace(new AskedValue(key, null, [.. sections.Select(static s => s.Section)], [.. sections.Select(static s => s.Name)])
        {
            IsNamed = true,
        });

    private void Replace(AskedValue value)
    {
        _asked.RemoveAll(asked => asked.Key == value.Key);
        _asked.Add(value);
    }

    private Position PositionOf(string key)
    {
        foreach ((ScalarNode name, ConfigurationNode value) in _node.Pairs)
        {
            if (name.Text == key)
                return value.IsNull ? name.At : value.At;
        }

        return _node.At;
    }

    private static bool InRange<T>(T value, T min, T max, Func<T, string> format, ref string error)
        where T : IComparable<T>
    {
        if (value.CompareTo(min) >= 0 && value.CompareTo(max) <= 0) return true;
        error = value.CompareTo(min) < 0 ? $"must be at least {format(min)}, found {format(value)}"
            : $"must be at most {format(max)}, found {format(value)}";
        return false;
    }

    private static bool ParseText(string text, out string value, out string error)
    {
        (value, error) = (text, "");
        return true;
    }

    private static bool ParseRequiredText(string text, out string value, out string error)
    {
        (value, error) = (text, "must not be empty");
        return text.Length > 0;
    }

    private static bool ParseBoolean(string text, out bool value, out string error)
    {
        // The words that Loki's YAML library takes for booleans.
        bool? parsed = text.ToLowerInvariant() switch
        {
            "true" or "yes" or "on" => true,
            "false" or "no" or "off" => false,
            _ => null,
        };
        value = parsed ?? false;
        error = $"expected true or false, found \"{text}\"";
        return parsed is not null;
    }

    private static bool ParseLong(string text, out long value, out string error)
    {
        error = $"expected a whole number, found \"{text}\"";
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value)) return false;
        ReadOnlySpan<char> digits = text.AsSpan().TrimStart("+-");
        if (digits.Length == 1 || digits[0] != '0') return true;
        // YAML 1.1 reads 010 as eight; nobody means that.
        error = $"\"{text}\" is ambiguous in YAML; write it without the leading zero";
        return false;
    }

    private static bool ParseNumber(string text, out double value, out string error)
    {
        error = $"expected a number, found \"{text}\"";
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
    }

    private static bool ParseUri(string text, out Uri? value, out string error)
    {
        error = $"expected an absolute http:// or https:// address, found \"{text}\"";
        return System.Uri.TryCreate(text, UriKind.Absolute, out value) && (value.Scheme == "http" || value.Scheme == "https")
            && value.Host.Length > 0;
    }

    private static bool ParseListen(string text, out string value, out string error)
    {
        value = text;
        error = "";
        return text.Length == 0 || ListenAddress.TryParse(text, out _, out error);
    }

    private static Parser<T> ParseChoice<T>(IReadOnlyDictionary<string, T> choices) => (string text, out T value, out string error) =>
    {
        error = "";
        if (choices.TryGetValue(text, out value!)) return true;
        string hint = Spelling.DidYouMean(text, choices.Keys);
        error = $"expected one of {string.Join(", ", choices.Keys)}, found \"{text}\"{hint}";
        return false;
    };

    private static string NameOf<T>(T value, IReadOnlyDictionary<string, T> choices) =>
        choices.FirstOrDefault(pair => EqualityComparer<T>.Default.Equals(pair.Value, value)).Key ?? "";

    // A password inside an address is as secret as one beside it.
    private static string? FormatUri(Uri? uri) =>
        uri is null ? null : uri.UserInfo.Length == 0 ? uri.OriginalString
            : new UriBuilder(uri) { UserName = "********", Password = "" }.Uri.ToString();

    private static string FormatBoolean(bool value) => value ? "true" : "false";

    private static string FormatLong(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string FormatNumber(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Quote(string text) => MaskedYaml.Scalar(text);

    private static string Range(string min, string? max) => max is null ? $"at least {min}" : $"{min} to {max}";

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";

    private static string Article(string type) => type is "integer" or "address" ? $"an {type}" : $"a {type}";
}
