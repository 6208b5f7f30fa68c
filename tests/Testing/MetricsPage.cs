// Reads a /metrics page the way Prometheus does, so that tests see what an operator sees.
using System.Globalization;
using System.Net.Sockets;

namespace LokiGateway.Testing;

/// <summary>One scrape.</summary>
public sealed class MetricsPage
{
    private readonly List<(string Name, string Labels, double Value)> _samples = [];

    private MetricsPage(string text)
    {
        Text = text;
        foreach (var line in text.Split('\n'))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            var brace = line.IndexOf('{', StringComparison.Ordinal);
            var close = line.LastIndexOf('}');
            var nameEnd = brace >= 0 ? brace : line.IndexOf(' ', StringComparison.Ordinal);
            var labels = brace >= 0 ? line[brace..(close + 1)] : "{}";
            var value = line[(brace >= 0 ? close + 1 : nameEnd)..].Trim().Split(' ')[0];
            _samples.Add((line[..nameEnd], labels, Number(value)));
        }
    }

    /// <summary>The page as it came.</summary>
    public string Text { get; }

    /// <summary>Scrapes <c>admin/metrics</c>.</summary>
    public static async Task<MetricsPage> FetchAsync(Uri admin, CancellationToken ct = default)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        try
        {
            return new MetricsPage(await http.GetStringAsync(new Uri(admin, "/metrics"), ct).ConfigureAwait(false));
        }
        catch (SocketException gone)
        {
            // A program that is killed right after it has accepted: the one failure of a connection that HttpClient does not wrap.
            throw new HttpRequestException(HttpRequestError.ConnectionError, gone.Message, gone);
        }
    }

    /// <summary>Reads a page's text.</summary>
    public static MetricsPage Parse(string text) => new(text);

    /// <summary>Is there a sample of this name?</summary>
    public bool Has(string name) => _samples.Any(sample => sample.Name == name);

    /// <summary>Sum over all label values; only samples that have every given label. 0 when there is none.</summary>
    public double Sum(string name, params (string Name, string Value)[] labels) => _samples
        .Where(sample => sample.Name == name && labels.All(label => LabelText.Value(sample.Labels, label.Name) == label.Value))
        .Sum(static sample => sample.Value);

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        "NaN" or "Nan" => double.NaN,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };
}
