// What a Loki asks of its cluster: the first question of whoever installs it, and the reason why pods stay Pending.
using System.Globalization;

namespace LokiGateway.Deploy.Tests.Loki;

internal sealed record LokiTotals(int Pods = 0, double Cores = 0, double RequestedBytes = 0, double LimitBytes = 0, double DiskBytes = 0)
{
    private const double Gi = 1024d * 1024 * 1024;

    public static LokiTotals operator +(LokiTotals a, LokiTotals b) =>
        new(a.Pods + b.Pods, a.Cores + b.Cores, a.RequestedBytes + b.RequestedBytes, a.LimitBytes + b.LimitBytes, a.DiskBytes + b.DiskBytes);

    public static LokiTotals operator *(LokiTotals a, int times) =>
        new(a.Pods * times, a.Cores * times, a.RequestedBytes * times, a.LimitBytes * times, a.DiskBytes * times);

    /// <summary>Cells of the README's table.</summary>
    public string Row => string.Create(
        CultureInfo.InvariantCulture, $"{Pods} | {Cores:0.#} | {RequestedBytes / Gi:0} Gi | {LimitBytes / Gi:0} Gi | {DiskBytes / Gi:0} Gi");
}
