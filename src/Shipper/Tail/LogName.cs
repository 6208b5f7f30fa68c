using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace LokiGateway.Shipper.Tail;

/// <summary>
/// The path under which a file was found. Discover puts it together from directory and name when somebody asks; a string for each of
/// 10,000 files would weigh as much as the rest of what is known of them.
/// </summary>
internal abstract class LogName
{
    /// <summary>The absolute path; a new string each time. Any thread.</summary>
    public abstract string Path { get; }

    /// <summary>What stands for a path where the path itself would weigh too much: in the checkpoint and in every file's state.</summary>
    public static ulong HashOf(ReadOnlySpan<char> path) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(path));
}
