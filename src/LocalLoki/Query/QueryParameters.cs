// The parameters of Loki's read API (pkg/loghttp/params.go): query string and form are one, times come in four spellings.

using System.Globalization;
using LokiGateway.LocalLoki.LogQl;
using LokiGateway.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace LokiGateway.LocalLoki.Query;

internal sealed class QueryParameters
{
    private const long Second = 1_000_000_000;
    private const long DefaultSince = 3600 * Second;
    private const int DefaultLimit = 100;

    // Loki's max_entries_limit_per_query.
    private const int LimitMax = 5000;

    // Loki refuses more points than this for one series (pkg/loghttp/query.go).
    private const int PointsMax = 11_000;

    private readonly Dictionary<string, StringValues> values;
    private readonly long now;

    private QueryParameters(Dictionary<string, StringValues> values, long now)
    {
        this.values = values;
        this.now = now;
    }

    public string Query => Get("query");

    public bool Forward
    {
        get
        {
            string direction = Get("direction");
            if (direction.Length == 0 || direction.Equals("backward", StringComparison.OrdinalIgnoreCase)) return false;
            if (direction.Equals("forward", StringComparison.OrdinalIgnoreCase)) return true;
            throw new QueryRefusedException($"invalid direction '{direction}'");
        }
    }

    /// <summary>Entries to return at most.</summary>
    public int Limit
    {
        get
        {
            string text = Get("limit");
            if (text.Length == 0) return DefaultLimit;
            if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int limit))
                throw new QueryRefusedException($"strconv.Atoi: parsing {Lexer.GoQuote(text)}: invalid syntax");
            if (limit <= 0) throw new QueryRefusedException("limit must be a positive value");
            return limit;
        }
    }

    /// <summary>The moment of an instant query.</summary>
    public long Time => Timestamp("time", now, wrap: false);

    public static async Task<QueryParameters> ReadAsync(HttpRequest request, DateTimeOffset now, CancellationToken ct)
    {
        Dictionary<string, StringValues> values = new(StringComparer.Ordinal);
        if (HttpMethods.IsPost(request.Method) && request.HasFormContentType)
        {
            foreach ((string name, StringValues value) in await request.ReadFormAsync(ct)) values[name] = value;
        }
        foreach ((string name, StringValues value) in request.Query)
            values[name] = values.TryGetValue(name, out StringValues form) ? StringValues.Concat(form, value) : value;
        return new QueryParameters(values, now.ToUnixNanos());
    }

    /// <summary>The limit of a log query, which Loki bounds for all tenants alike by default.</summary>
    public int EntriesLimit() => Limit <= LimitMax
        ? Limit
        : throw new QueryRefusedException($"max entries limit per query exceeded, limit > max_entries_limit_per_query ({Limit} > {LimitMax})");

    public IEnumerable<string> All(params IEnumerable<string> names) =>
        names.SelectMany(name => values.TryGetValue(name, out StringValues found) ? found.AsEnumerable() : []).OfType<string>();

    /// <summary><c>start</c>, <c>end</c> and <c>since</c>, in nanoseconds.</summary>
    public (long Start, long End) Bounds()
    {
        long since = DefaultSince;
        string text = Get("since");
        if (text.Length > 0 && !GoDuration.TryParsePrometheus(text, out since))
            throw new QueryRefusedException($"could not parse 'since' parameter: not a valid duration string: {Lexer.GoQuote(text)}");
        long end = Timestamp("end", now, wrap: true);
        long start = Timestamp("start", Math.Min(end, now) - since, wrap: true);
        return (start, end);
    }

    /// <summary>What a range query asks for: the bounds, and the distance of its points.</summary>
    public (long Start, long End, long Step, long Interval) Range()
    {
        (long start, long end) = Bounds();
        if (end < start) throw new QueryRefusedException("end timestamp must not be before or equal to start time");
        Int128 length = (Int128)end - start;
        long step = Get("step").Length == 0 ? (long)Int128.Max(length / Second / 250, 1) * Second : Duration("step");
        if (step <= 0) throw new QueryRefusedException("zero or negative query resolution step widths are not accepted. Try a positive integer");
        if (length / step > PointsMax)
            throw new QueryRefusedException("exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter");
        long interval = Get("interval").Length == 0 ? 0 : Duration("interval");
        if (interval < 0) throw new QueryRefusedException("interval must be >= 0");
        return (start, end, step, interval);
    }

    private string Get(string name) => values.TryGetValue(name, out StringValues found) ? found[0] ?? "" : "";

    private long Duration(string name)
    {
        string text = Get(name);
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds))
        {
            double nanos = seconds * Second;
            if (!(Math.Abs(nanos) < long.MaxValue)) throw new QueryRefusedException($"cannot parse {Lexer.GoQuote(text)} to a valid duration. It overflows int64");
            return (long)nanos;
        }
        return GoDuration.TryParsePrometheus(text, out long duration)
            ? duration
            : throw new QueryRefusedException($"cannot parse {Lexer.GoQuote(text)} to a valid duration");
    }

    // Seconds with a fraction, whole seconds (up to ten digits), nanoseconds, or RFC 3339.
    private long Timestamp(string name, long fallback, bool wrap)
    {
        string text = Get(name);
        if (text.Length == 0) return fallback;
        if (text.Contains('.', StringComparison.Ordinal) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds)
            && Math.Abs(seconds) < long.MaxValue / Second)
        {
            double whole = Math.Truncate(seconds);
            return ((long)whole * Second) + (long)(Math.Round((seconds - whole) * 1000) / 1000 * Second);
        }
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
            return text.Length <= 10 ? number * Second : number;
        if (Rfc3339.TryParse(text, out long nanos)) return nanos;
        string reason = $"strconv.ParseInt: parsing {Lexer.GoQuote(text)}: invalid syntax";
        throw new QueryRefusedException(wrap ? $"could not parse '{name}' parameter: {reason}" : reason);
    }
}
