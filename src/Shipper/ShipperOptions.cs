// What the shipper can be told, parsed once at start from strict YAML; nothing here is read per line or per request.
using LokiGateway.Hosting.Configuration;
using LokiGateway.Protocol.Tenancy;
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Label;

namespace LokiGateway.Shipper;

/// <summary>How the lines of a file are framed. Auto decides per file by its first complete line.</summary>
public enum SourceFormat { Auto, Cri, Docker, Raw }

/// <summary>Where the time of a raw line comes from: its own leading time where it has one, or always the clock.</summary>
public enum RawTimestamp { Auto, ReadTime }

/// <summary>Whether every file goes to the configured tenant, or to the one that its namespace or one of its labels names.</summary>
public enum TenantFrom { Fixed, Namespace, Label }

/// <summary>All of shipper.yaml. Immutable; validated by <see cref="Bind"/>, whose errors name file, line and key.</summary>
public sealed record ShipperOptions
{
    /// <summary>Address of the admin server, or null for none.</summary>
    public string? AdminListen { get; init; } = "0.0.0.0:9080";

    public string StateDirectory { get; init; } = "/var/lib/loki-shipper";

    /// <summary>Name of this node: the label `node` of pod logs and the name in the batch stamp.</summary>
    public string Node { get; init; } = Environment.MachineName;

    public required IReadOnlyList<SourceOptions> Sources { get; init; }

    public required EndpointOptions Endpoint { get; init; }

    public IReadOnlyDictionary<string, string> ExternalLabels { get; init; } = new Dictionary<string, string>();

    public ShipperLimits Limits { get; init; } = new();

    /// <summary>How long a stop waits for the last acknowledgements; what is unacknowledged then is sent again after the next start.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(20);

    public LedgerOptions Ledger { get; init; } = new();

    /// <summary>Whether samples of refused entries are kept in the state directory.</summary>
    public bool DeadLetterEnabled { get; init; } = true;

    /// <summary>Most bytes of the dead-letter file and its predecessor together.</summary>
    public long DeadLetterBytesMax { get; init; } = 16L << 20;

    private static readonly Dictionary<string, SourceFormat> Formats = new()
    {
        ["auto"] = SourceFormat.Auto,
        ["cri"] = SourceFormat.Cri,
        ["docker"] = SourceFormat.Docker,
        ["raw"] = SourceFormat.Raw,
    };

    private static readonly Dictionary<string, RawTimestamp> Timestamps = new()
    {
        ["auto"] = RawTimestamp.Auto,
        ["read_time"] = RawTimestamp.ReadTime,
    };

    private static readonly Dictionary<string, TenantFrom> TenantSources = new()
    {
        ["fixed"] = TenantFrom.Fixed,
        ["namespace"] = TenantFrom.Namespace,
        ["label"] = TenantFrom.Label,
    };

    public static ShipperOptions Bind(ConfigurationSection root)
    {
        ConfigurationSection admin = root.Section("admin", "The shipper's own HTTP pages: /ready, /live, /metrics, /config.");
        string listen = admin.Listen("listen", "0.0.0.0:9080", "Address of the admin server.");
        string state = root.String("state_directory", "/var/lib/loki-shipper",
            "Directory of the checkpoint (read positions). Must survive a restart of the pod: a hostPath on Kubernetes.");
        string node = root.String("node", "",
            "Name of this node, label `node` of pod logs and name in the completeness ledger. Empty: the host name.");
        ConfigurationSection deadLetter = root.Section("dead_letter", "Samples of entries that Loki refused for good, in state_directory.");
        TimeSpan shutdown = root.Duration("shutdown_timeout", TimeSpan.FromSeconds(20), TimeSpan.Zero, TimeSpan.FromHours(1),
            "How long a stop may take, most of it for the last acknowledgements. What is not acknowledged then is sent again after the next start.");

        return new ShipperOptions
        {
            AdminListen = listen.Length == 0 ? null : listen,
            StateDirectory = state,
            Node = node.Length == 0 ? Environment.MachineName : node,
            Sources = BindSources(root),
            Endpoint = BindEndpoint(root.Section("endpoint", "Where to push.")),
            ExternalLabels = LabelBinding.Labels(root, "external_labels",
                "Labels added to every stream, such as the cluster. They win over labels that a path gives."),
            Limits = BindLimits(root.Section("limits", "Bounds on what the shipper takes from the node.")),
            ShutdownTimeout = shutdown,
            DeadLetterEnabled = deadLetter.Boolean("enabled", true,
                "Keep the beginning of refused lines, with labels, time and reason, in dead-letter.jsonl. It holds content of logs; its mode is 0600."),
            DeadLetterBytesMax = deadLetter.Size("max_size", 16L << 20, 64L << 10, 16L << 30,
                "Most bytes of dead-letter.jsonl and dead-letter.jsonl.1 together; beyond it the older half goes."),
            Ledger = BindLedger(root.Section("ledger", "Completeness accounting.")),
        };
    }

    private static List<SourceOptions> BindSources(ConfigurationSection root)
    {
        List<SourceOptions> sources = [];
        foreach (ConfigurationSection section in root.Sections("sources", "Files to follow. A file that two sources match belongs to the first."))
        {
            IReadOnlyList<string> paths = section.Strings("paths", "Globs of absolute paths; `**` matches any number of directories.");
            if (paths.Count == 0) section.Error("paths", "a source needs at least one path");
            foreach (string path in paths)
                if (!path.StartsWith('/')) section.Error("paths", $"'{path}' is not an absolute path");
                else if (!PathGlob.TryParse(path, out _, out string? error)) section.Error("paths", error);
            SourceFormat format = section.Choice("format", SourceFormat.Auto, Formats,
                "Format of the lines. auto decides per file by its first complete line: CRI, docker json-file, or raw.");
            ConfigurationSection metadata = section.Section("structured_metadata",
                "What is attached to each entry without being a label. Loki refuses all of it while allow_structured_metadata is off.");
            IReadOnlyList<string> exclude = section.Strings("exclude", "Globs of paths that are left out.");
            foreach (string path in exclude)
                if (!PathGlob.TryParse(path, out _, out string? error)) section.Error("exclude", error);
            sources.Add(new SourceOptions
            {
                Paths = paths,
                Exclude = exclude,
                Format = format,
                PathPattern = LabelBinding.PathPattern(section),
                Labels = LabelBinding.Labels(section, "labels", "Labels of the streams of these files. They win over labels that a path gives."),
                LabelRules = LabelBinding.Rules(section),
                StreamsMax = section.Integer("max_streams", 10_000, 1, 1_000_000,
                    "Most label sets (stdout and stderr count once) that this source has within an hour. Files beyond it are shipped all the same, with few labels: " +
                    "those of `labels`, of static rules and external_labels, the node, and `loki_shipper_overflow=\"max_streams\"`; their path is attached as `filename`."),
                MultiLine = LineStageBinding.MultiLine(section),
                Redaction = LineStageBinding.Redaction(section),
                Rotation = RotationOptions.Bind(section),
                Timestamp = section.Choice("timestamp", RawTimestamp.Auto, Timestamps,
                    "Time of raw lines. auto: the line's leading RFC 3339, ISO 8601 or syslog time where it has one, otherwise the time of the " +
                    "line before it or, in a file without any times, the time of reading. read_time: always the time of reading."),
                FilenameMetadata = metadata.Has("filename")
                    ? metadata.Boolean("filename", true, FilenameHelp)
                    : AskUnsetFilename(metadata),
                PodUidMetadata = metadata.Boolean("pod_uid", false, "Attach the pod's uid as `pod_uid`, where the path has it (/var/log/pods)."),
                ContainerIdMetadata = metadata.Boolean("container_id", false, "Attach the container's id as `container_id`, where the path has it (/var/log/containers)."),
                StreamMetadata = metadata.Boolean("stream", false, "Attach stdout or stderr as `stream` instead of making it a label: half as many streams."),
            });
        }
        if (sources.Count == 0) root.Error("sources", "at least one source is needed, such as `- paths: [/var/log/pods/*/*/*.log]`");
        return sources;
    }

    private const string FilenameHelp =
        "Attach the file's path to each entry as structured metadata `filename`. When not set: no for container logs whose path gives namespace, " +
        "pod and container as labels; yes for all others.";

    private static bool? AskUnsetFilename(ConfigurationSection metadata)
    {
        // Asked for all the same, so that the key is known and documented; the answer depends on the format that each file turns out to have.
        metadata.Boolean("filename", true, FilenameHelp);
        return null;
    }

    private static EndpointOptions BindEndpoint(ConfigurationSection section)
    {
        string? tenant = section.OptionalString("tenant_id", "Tenant (X-Scope-OrgID) of all files, or of those that no path part names one for.");
        TenantFrom tenantFrom = section.Choice("tenant_from", TenantFrom.Fixed, TenantSources,
            "fixed: everything goes to tenant_id. namespace, label: to the tenant that the pod's namespace or the label tenant_label names (see tenant_map). Files " +
            "without one, or with one that is no valid tenant id, go to tenant_id.");
        string? tenantLabel = LabelBinding.TenantLabel(section, tenantFrom);
        List<TenantRule> tenantMap = LabelBinding.TenantMap(section);
        if (tenantMap.Count > 0 && tenantFrom == TenantFrom.Fixed) section.Error("tenant_map", "has no effect with `tenant_from: fixed`");
        if (tenant is not null && TenantId.TryParse(tenant, out _) is var error and not TenantIdError.None)
            section.Error("tenant_id", TenantId.ErrorText(error, tenant));
        ConfigurationSection basic = section.Section("basic_auth", "Credentials of HTTP basic authentication.");
        string? username = basic.OptionalString("username", "User name.");
        string? passwordFile = basic.OptionalString("password_file", "File that holds the password; read again when it changes.");
        string? password = basic.OptionalString("password", "The password itself; better a file, or ${VAR}.", secret: true);
        if (username is null != (passwordFile ?? password) is null || (passwordFile is not null && password is not null))
            section.Error("basic_auth", "username and one of password_file and password belong together");
        string? tokenFile = section.OptionalString("bearer_token_file",
            "File that holds a bearer token; read again when it changes, so that a rotated token needs no restart.");
        string? token = section.OptionalString("bearer_token", "The bearer token itself; better a file, or ${VAR}.", secret: true);
        if ((tokenFile ?? token) is not null && username is not null) section.Error("basic_auth", "choose one: bearer_token_file or basic_auth");
        if (tokenFile is not null && token is not null) section.Error("bearer_token", "choose one: bearer_token_file or bearer_token");
        if ((token ?? password)?.AsSpan().ContainsAny("\r\n\0") == true) section.Error(token is null ? "basic_auth" : "bearer_token", "is more than one line");
        Uri url = section.RequiredUri("url", "Push address of the gateway or of Loki: http://loki-gateway:3100/loki/api/v1/push.");
        TimeSpan minBackoff = section.Duration("min_backoff", TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1),
            "First retry delay; doubles with every failure, with full jitter.");
        TimeSpan maxBackoff = section.Duration("max_backoff", TimeSpan.FromMinutes(5), TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(24),
            "Longest retry delay, also the longest Retry-After that is obeyed.");
        if (maxBackoff < minBackoff) section.Error("max_backoff", "max_backoff is below min_backoff");
        return new EndpointOptions
        {
            Url = url,
            TenantId = tenant,
            TenantFrom = tenantFrom,
            TenantLabel = tenantLabel,
            TenantMap = tenantMap,
            BearerTokenFile = tokenFile,
            BearerToken = token,
            BasicAuthPassword = password,
            Tls = TlsOptions.Bind(section, url),
            BasicAuthUsername = username,
            BasicAuthPasswordFile = passwordFile,
            BatchSizeBytes = (int)section.Size("batch_size", 1 << 20, 1 << 10, 3 << 20,
                "Bytes of a push before compression. Loki's distributor cannot pass on more than 4 MiB."),
            BatchWait = section.Duration("batch_wait", TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(5),
                "Longest time that a line waits for its batch to fill."),
            MinBackoff = minBackoff,
            MaxBackoff = maxBackoff,
            RetryOn429 = section.Boolean("retry_on_http_429", true,
                "Retry when the tenant's rate limit refuses a push. false: the lines are counted rejected and given up."),
            RemoteTimeout = section.Duration("remote_timeout", TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10),
                "How long one attempt of a push may take before it is retried."),
            Shards = section.Integer("shards", 4, 1, 64,
                "Reading threads, each with its own sender per tenant. A stream always uses the same one, so its order holds."),
        };
    }

    private static LedgerOptions BindLedger(ConfigurationSection section) => new()
    {
        Enabled = section.Boolean("enabled", true,
            "Stamp every push with X-Loki-Shipper, the node's cumulative line counts, and report the books of every source, so that the gateway can " +
            "compare them with its own count and name what is missing."),
        Interval = section.Duration("interval", TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10),
            "How often the books are reported to /shipper/v1/report on the endpoint's host, and how often closed minutes go to the ledger stream."),
        ToLoki = section.Boolean("to_loki", true,
            "Write the ledger as a stream {job=\"loki-shipper-ledger\"} into each tenant: lines per source and minute, to be compared with what Loki holds."),
    };

    private static ShipperLimits BindLimits(ConfigurationSection section) => new()
    {
        MemoryBytes = section.Size("memory", 64L << 20, 32L << 20, 64L << 30,
            "Resident memory that the shipper aims to stay under; half of it is for batches. When they are used up, reading waits: the file is the buffer."),
        LineBytesMax = (int)section.Size("max_line_size", 256 << 10, 64, 1 << 20,
            "Longest line. Longer ones are cut to it, end in ` [truncated]` and are counted. Loki's own default limit is 256KiB."),
        OldestAge = section.Duration("reject_old_samples_max_age", TimeSpan.FromHours(168), TimeSpan.Zero, TimeSpan.FromDays(36500),
            "Loki's limit of that name. Entries that are older by every clock known are counted rejected and not sent. 0s: off, Loki decides."),
        FutureMax = section.Duration("creation_grace_period", TimeSpan.FromMinutes(10), TimeSpan.Zero, TimeSpan.FromDays(36500),
            "Loki's limit of that name. Entries that are further in the future by every clock known are counted rejected and not sent. 0s: off."),
        ReadBytesPerSecond = section.Size("read_rate", 0, 0, long.MaxValue, "Bytes of log read per second over all files; 0: no limit."),
        DeletedFilesBytes = section.Size("deleted_files_bytes", 1L << 30, 0, long.MaxValue,
            "Disk space of deleted log files that are held open because they are not read to their end; 0: no limit. Beyond it the oldest are given up, " +
            "each a named loss (deleted_files_bound)."),
    };
}

/// <summary>One group of files to follow.</summary>
public sealed record SourceOptions
{
    public required IReadOnlyList<string> Paths { get; init; }

    public IReadOnlyList<string> Exclude { get; init; } = [];

    public SourceFormat Format { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>An RE2 pattern of paths whose named groups become labels.</summary>
    public string? PathPattern { get; init; }

    /// <summary>What is done with the labels of the path and of <see cref="Labels"/>, in this order.</summary>
    public IReadOnlyList<LabelRule> LabelRules { get; init; } = [];

    /// <summary>Label sets beyond it are reduced; see <see cref="StreamCap"/>.</summary>
    public int StreamsMax { get; init; } = 10_000;

    public RawTimestamp Timestamp { get; init; }

    /// <summary>Null: every line is an entry.</summary>
    public MultiLineOptions? MultiLine { get; init; }

    public IReadOnlyList<RedactionRule> Redaction { get; init; } = [];

    /// <summary>How the node rotates these files; null: as the kubelet for container logs, unknown for others.</summary>
    public RotationOptions? Rotation { get; init; }

    /// <summary>Leave out archives and binary files. Set by Quickstart, which is given whole trees; no configuration key.</summary>
    public bool SkipBinary { get; init; }

    /// <summary>Whether entries carry `filename` as structured metadata; null: raw files do, container logs do not.</summary>
    public bool? FilenameMetadata { get; init; }

    public bool PodUidMetadata { get; init; }

    public bool ContainerIdMetadata { get; init; }

    /// <summary>`stream` is attached to each entry and is no label.</summary>
    public bool StreamMetadata { get; init; }
}

/// <summary>Where and how to push; names as in Alloy's loki.write endpoint.</summary>
public sealed record EndpointOptions
{
    public required Uri Url { get; init; }

    /// <summary>Null: no X-Scope-OrgID is sent (a Loki without auth_enabled).</summary>
    public string? TenantId { get; init; }

    public TenantFrom TenantFrom { get; init; }

    /// <summary>Of <see cref="TenantFrom.Label"/>.</summary>
    public string? TenantLabel { get; init; }

    /// <summary>The first rule that matches the namespace or label counts; none: the value is the tenant.</summary>
    public IReadOnlyList<TenantRule> TenantMap { get; init; } = [];

    public string? BearerTokenFile { get; init; }

    public string? BasicAuthUsername { get; init; }

    public string? BasicAuthPasswordFile { get; init; }

    /// <summary>Instead of the file.</summary>
    public string? BasicAuthPassword { get; init; }

    /// <summary>Instead of the file.</summary>
    public string? BearerToken { get; init; }

    /// <summary>Of an https url; without effect on another.</summary>
    public TlsOptions Tls { get; init; } = new();

    public int BatchSizeBytes { get; init; } = 1 << 20;

    public TimeSpan BatchWait { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromMinutes(5);

    public bool RetryOn429 { get; init; } = true;

    public TimeSpan RemoteTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public int Shards { get; init; } = 4;
}

/// <summary>Bounds on what the shipper takes from its node.</summary>
public sealed record ShipperLimits
{
    public long MemoryBytes { get; init; } = 64L << 20;

    public int LineBytesMax { get; init; } = 256 << 10;

    /// <summary>Age beyond which Loki refuses an entry; zero: not looked at.</summary>
    public TimeSpan OldestAge { get; init; } = TimeSpan.FromHours(168);

    /// <summary>How far in the future Loki takes an entry; zero: not looked at.</summary>
    public TimeSpan FutureMax { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>0: no limit.</summary>
    public long ReadBytesPerSecond { get; init; }

    /// <summary>Disk space of deleted files that are held open; 0: no limit.</summary>
    public long DeletedFilesBytes { get; init; } = 1L << 30;
}

/// <summary>How the shipper accounts for what it ships.</summary>
public sealed record LedgerOptions
{
    public bool Enabled { get; init; } = true;

    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Whether the ledger is also written into Loki; needs <see cref="Enabled"/>.</summary>
    public bool ToLoki { get; init; } = true;
}
