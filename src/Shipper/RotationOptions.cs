// What the node keeps of a log before it deletes it, shipped or not. Only a forecast hangs on it: reading follows whatever happens to the files.
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Shipper;

/// <summary>Rotation of one source's files, in kubelet's terms (containerLogMaxSize, containerLogMaxFiles) or logrotate's (size, rotate + 1).</summary>
public sealed record RotationOptions(long SizeMax, int FilesMax)
{
    /// <summary>KubeletConfiguration v1beta1: containerLogMaxSize 10Mi, containerLogMaxFiles 5.</summary>
    public static RotationOptions Kubelet { get; } = new(10 << 20, 5);

    /// <summary>What a log may hold before its oldest bytes are deleted.</summary>
    public long Bytes => SizeMax * FilesMax;

    /// <summary>Null when the source does not say.</summary>
    internal static RotationOptions? Bind(ConfigurationSection source)
    {
        ConfigurationSection rotation = source.Section("rotation",
            "How the node rotates these files: what seconds_until_loss is reckoned from. Not set: kubelet's defaults for container logs; no forecast for others.");
        long size = rotation.Size("max_size", Kubelet.SizeMax, 1024, long.MaxValue, "Size at which a file is rotated; kubelet's containerLogMaxSize.");
        int files = rotation.Integer("max_files", Kubelet.FilesMax, 1, 10_000, "Files kept, the current one included; kubelet's containerLogMaxFiles.");
        return source.Has("rotation") ? new RotationOptions(size, files) : null;
    }
}
