// The warning before the loss: the node deletes rotated logs whether they were shipped or not, and when it will get to what is unread can be told from how
// fast a source falls behind.
using LokiGateway.Protocol.Completeness;
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Shipper;

/// <summary>
/// When the node deletes lines that are not acknowledged, if everything goes on as in the last quarter of a minute: what its rotation still leaves room for,
/// divided by the growth of what is unacknowledged. Container logs are rotated as the kubelet does it by default, unless the source says otherwise; of other
/// logs nothing is known without `rotation`. Any thread reads; a timer of its own writes.
/// </summary>
internal sealed class LossForecast : IDisposable
{
    /// <summary>Long against a batch's second, short against the minutes that an operator has.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(15);

    /// <summary>Below this the log says so, once an episode: time enough for somebody to get up.</summary>
    public static readonly TimeSpan Warning = TimeSpan.FromMinutes(5);

    private readonly ShipperOptions _options;
    private readonly FileScanner _scanner;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _oneAtATime = new();
    private readonly ITimer _timer;
    private Dictionary<string, long>? _unacknowledged;
    private volatile Dictionary<string, double> _secondsLeft = [];
    private long _lookedAt;
    private bool _hasWarned;

    public LossForecast(ShipperOptions options, FileScanner scanner, TimeProvider time, ILogger log)
    {
        (_options, _scanner, _time, _log) = (options, scanner, time, log);
        _lookedAt = time.GetTimestamp();
        _timer = time.CreateTimer(static forecast => ((LossForecast)forecast!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The least over all sources; infinite when none is in danger.</summary>
    public double Seconds => _secondsLeft.Count == 0 ? double.PositiveInfinity : _secondsLeft.Values.Min();

    /// <summary>Of one source, by its name in the books; null: it is in no danger, or nobody knows.</summary>
    public double? Of(string source) => _secondsLeft.TryGetValue(source, out double seconds) ? seconds : null;

    public void Start() => _timer.Change(Period, Period);

    public void Dispose() => _timer.Dispose();

    /// <summary>Compares with the look before.</summary>
    internal void Look()
    {
        lock (_oneAtATime)
        {
            Dictionary<string, long> room = [], unacknowledged = [];
            foreach (TailedFile file in _scanner.Files)
            {
                long bytes = Unacknowledged(file);
                if (bytes == 0 || Capacity(file) is not { } capacity) continue;
                string source = SourceName.Of(file.LogicalPath);
                unacknowledged[source] = unacknowledged.GetValueOrDefault(source) + bytes;
                room[source] = capacity;
            }
            double seconds = _time.GetElapsedTime(_lookedAt).TotalSeconds;
            _lookedAt = _time.GetTimestamp();
            Dictionary<string, double> left = [];
            // What the first look finds did not grow since the start: it was there.
            Dictionary<string, long> before = _unacknowledged ?? unacknowledged;
            foreach ((string source, long bytes) in unacknowledged)
            {
                long growth = bytes - before.GetValueOrDefault(source);
                if (growth > 0 && seconds > 0) left[source] = Math.Max(0, room[source] - bytes) * seconds / growth;
            }
            (_unacknowledged, _secondsLeft) = (unacknowledged, left);
            Warn(left, unacknowledged);
        }
    }

    private void Warn(Dictionary<string, double> left, Dictionary<string, long> unacknowledged)
    {
        (string source, double seconds) = left.Count == 0 ? new("", double.PositiveInfinity) : left.MinBy(static one => one.Value);
        bool isNear = seconds < Warning.TotalSeconds;
        if (isNear && !_hasWarned) Log.LossAhead(_log, source, (long)seconds, unacknowledged[source]);
        _hasWarned = isNear;
    }

    private static long Unacknowledged(TailedFile file) =>
        file.IsReleased || file.Fate == FileFate.Unlinked ? 0 : Math.Max(0, file.SizeNow() - file.Acked.Offset);

    private long? Capacity(TailedFile file)
    {
        if (_options.Sources[file.Source.Index].Rotation is { } rotation) return rotation.Bytes;
        return PodLogPath.TryParse(file.LogicalPath, out _) ? RotationOptions.Kubelet.Bytes : null;
    }
}
