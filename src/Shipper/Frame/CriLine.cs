// `2026-11-22T22:15:01.123456789Z stdout F message`: the line format of the Kubernetes container runtime interface.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LokiGateway.Shipper.Frame;

/// <summary>The head of one CRI line; the message is the rest of the line from <see cref="MessageStart"/>.</summary>
internal struct CriLine
{
    // "stdout F" and "stderr F" read as little-endian 64-bit numbers.
    private const ulong StdoutFull = 0x462074756F647473, StderrFull = 0x4620727265647473;

    /// <summary>Length of the head that containerd writes: 30 bytes of time, space, stdout, space, F, space.</summary>
    private const int UsualHeadBytes = 40;

    public long UnixNanos;
    public int MessageStart;
    public LineStream Stream;
    public bool Partial;

    /// <summary>Parses the usual shape here and everything else that is valid in the slow path.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryParse(ReadOnlySpan<byte> line, ref SecondCache seconds, out CriLine cri)
    {
        Unsafe.SkipInit(out cri);
        if (line.Length >= UsualHeadBytes)
        {
            ref byte start = ref MemoryMarshal.GetReference(line);
            ulong streamAndTag = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, 31));
            if ((streamAndTag == StdoutFull || streamAndTag == StderrFull)
                && Unsafe.Add(ref start, 39) == ' ' && Unsafe.Add(ref start, 30) == ' '
                && seconds.TryParse30(ref start, out cri.UnixNanos))
            {
                cri.MessageStart = UsualHeadBytes;
                cri.Stream = streamAndTag == StdoutFull ? LineStream.Stdout : LineStream.Stderr;
                cri.Partial = false;
                return true;
            }
        }
        return TryParseSlow(line, out cri);
    }

    /// <summary>Any RFC 3339 time with zone, stdout or stderr, tags separated by ':' of which the first is P or F.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryParseSlow(ReadOnlySpan<byte> line, out CriLine cri)
    {
        cri = default;
        if (!Rfc3339.TryParse(line, out cri.UnixNanos, out int at)) return false;
        // " stdout F" is the least that must follow; a message may be empty and its space stripped.
        if (line.Length - at < 9 || line[at] != ' ' || line[at + 7] != ' ') return false;
        ReadOnlySpan<byte> name = line.Slice(at + 1, 6);
        if (name.SequenceEqual("stdout"u8)) cri.Stream = LineStream.Stdout;
        else if (name.SequenceEqual("stderr"u8)) cri.Stream = LineStream.Stderr;
        else return false;
        at += 8;
        if (line[at] is not ((byte)'F' or (byte)'P')) return false;
        cri.Partial = line[at] == 'P';
        at++;
        if (at < line.Length && line[at] == ':')
        {
            int end = line[at..].IndexOf((byte)' ');
            at = end < 0 ? line.Length : at + end;
        }
        if (at < line.Length && line[at] != ' ') return false;
        cri.MessageStart = Math.Min(at + 1, line.Length);
        return true;
    }
}
