// Structured metadata: what is worth knowing of every entry and would make too many streams as a label.
using System.Text;
using LokiGateway.Protocol.Completeness;
using LokiGateway.Protocol.Push;

namespace LokiGateway.Shipper.Label;

internal static class EntryMetadata
{
    /// <summary>The encoded pairs that every entry of a file's stdout (or stderr) carries; empty when there are none.</summary>
    /// <param name="source">What is asked for.</param>
    /// <param name="path">The file's path.</param>
    /// <param name="isRaw">Not a container's log.</param>
    /// <param name="isReduced">Its labels do not tell where it comes from, so the path must.</param>
    /// <param name="stream">stdout or stderr.</param>
    public static byte[] Encode(SourceOptions source, string path, bool isRaw, bool isReduced, string stream)
    {
        List<(string Name, string Value)> pairs = [];
        bool isContainers = PodLogPath.TryParse(path, out PodLogPath? pod);
        // Where no label names the container, only this says where a line is from, to people and to the audit.
        if (source.FilenameMetadata ?? (isRaw || isReduced || !isContainers)) pairs.Add(("filename", path));
        if (pod is not null)
        {
            if (source.PodUidMetadata && pod.Uid is { } uid) pairs.Add(("pod_uid", uid));
            if (source.ContainerIdMetadata && pod.ContainerId is { } id) pairs.Add(("container_id", id));
        }
        if (source.StreamMetadata && !isRaw) pairs.Add(("stream", stream));
        if (pairs.Count == 0) return [];

        byte[][] values = [.. pairs.Select(static pair => Encoding.UTF8.GetBytes(pair.Value))];
        byte[][] names = [.. pairs.Select(static pair => Encoding.UTF8.GetBytes(pair.Name))];
        var encoded = new byte[names.Zip(values, static (name, value) => PushWriter.MetadataPairLength(name.Length, value.Length)).Sum()];
        int at = 0;
        for (int i = 0; i < names.Length; i++) at += PushWriter.WriteMetadataPair(encoded.AsSpan(at), names[i], values[i]);
        return encoded;
    }
}
