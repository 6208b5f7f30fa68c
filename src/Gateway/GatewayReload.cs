// SIGHUP, or a changed content of the configuration file: what can change while pushes are under way is changed, and of the rest it is said that it waits for a restart.
// Without this a SIGHUP, which every other program of the stack survives, would end the gateway.
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Lifetime;
using Microsoft.Extensions.Logging;

namespace LokiGateway.Gateway;

/// <summary>Follows the configuration file of a running gateway.</summary>
internal static class GatewayReload
{
    /// <summary>Ends when <paramref name="stopping"/> does.</summary>
    public static async Task FollowAsync(
        GatewayServer server, ConfigurationFile inForce, ConfigurationReloads<GatewayOptions> reloads, ILogger log, CancellationToken stopping)
    {
        string before = inForce.ToMaskedYaml();
        try
        {
            while (true)
            {
                LoadedConfiguration<GatewayOptions> loaded = await reloads.NextAsync(stopping);
                string[] waiting = [.. Changed(before, loaded.Configuration.ToMaskedYaml()).Where(static key => !IsReloaded(key))];
                string note = waiting.Length == 0 ? "" : $"# take effect at the next start: {string.Join(", ", waiting)}\n";
                server.Apply(loaded.Options with { ShowConfig = () => note + loaded.Configuration.ToMaskedYaml() });
                reloads.Applied(loaded);
                // Compared with what the process was started with: said again at every reload until it is restarted or taken back.
                if (waiting.Length > 0) Log.NeedsRestart(log, string.Join(", ", waiting));
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The stop.
        }
    }

    /// <summary>Keys, two levels deep, that differ between two effective configurations. Secrets are masked in them: a change of one alone is not seen.</summary>
    internal static IEnumerable<string> Changed(string before, string after)
    {
        Dictionary<string, string> old = Keys(before), now = Keys(after);
        return old.Keys.Union(now.Keys).Where(key => old.GetValueOrDefault(key) != now.GetValueOrDefault(key)).Order(StringComparer.Ordinal);
    }

    private static bool IsReloaded(string key) => key is "server.access_log" || key.StartsWith("limits_config", StringComparison.Ordinal);

    private static Dictionary<string, string> Keys(string yaml)
    {
        var keys = new Dictionary<string, string>(StringComparer.Ordinal);
        string section = "", key = "";
        foreach (string line in yaml.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int indent = line.Length - line.TrimStart(' ').Length;
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            bool isKey = colon > indent && line[indent] != '-';
            if (isKey && indent == 0) section = key = line[..colon];
            else if (isKey && indent == 2) key = $"{section}.{line[2..colon]}";
            // The line of a section itself says nothing.
            if (!isKey || colon < line.Length - 1) keys[key] = keys.GetValueOrDefault(key) + line + "\n";
        }

        return keys;
    }
}
