// The two layouts in which the kubelet names container logs. Parsed once per file; from here on namespace, pod and container are known.
using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace LokiGateway.Protocol.Completeness;

/// <summary>
/// `/var/log/pods/(namespace)_(pod)_(uid)/(container)/(n).log` or `/var/log/containers/(pod)_(namespace)_(container)-(id).log`, wherever the
/// directory is mounted. Names hold no underscore (DNS labels), which is what makes both readable.
/// </summary>
public sealed record PodLogPath(string Namespace, string Pod, string Container)
{
    /// <summary>The pod's uid; /var/log/pods has it, /var/log/containers has not.</summary>
    public string? Uid { get; init; }

    /// <summary>The container's id; /var/log/containers has it, /var/log/pods has not.</summary>
    public string? ContainerId { get; init; }

    // A container id is 64 hexadecimal digits.
    private const int ContainerIdLength = 64;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    public static bool TryParse(string path, [NotNullWhen(true)] out PodLogPath? pod)
    {
        pod = null;
        string[] parts = path.Split('/');
        if (parts.Length >= 3 && parts[^2] == "containers") pod = FromContainers(parts[^1]);
        else if (parts.Length >= 4 && parts[^4] == "pods") pod = FromPods(parts[^3], parts[^2]);
        return pod is not null;
    }

    private static PodLogPath? FromPods(string directory, string container)
    {
        string[] names = directory.Split('_');
        return names.Length == 3 && names[0].Length > 0 && names[1].Length > 0 && container.Length > 0
            ? new PodLogPath(names[0], names[1], container) { Uid = names[2].Length > 0 ? names[2] : null }
            : null;
    }

    private static PodLogPath? FromContainers(string fileName)
    {
        if (!fileName.EndsWith(".log", StringComparison.Ordinal)) return null;
        string[] names = fileName[..^4].Split('_');
        if (names.Length != 3 || names[0].Length == 0 || names[1].Length == 0) return null;
        string last = names[2];
        int dash = last.Length - ContainerIdLength - 1;
        if (dash <= 0 || last[dash] != '-' || last.AsSpan(dash + 1).ContainsAnyExcept(HexDigits)) return null;
        return new PodLogPath(names[1], names[0], last[..dash]) { ContainerId = last[(dash + 1)..] };
    }
}
