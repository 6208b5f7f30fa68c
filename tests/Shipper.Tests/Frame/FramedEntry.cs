// What framing handed out, for tests: a sink that keeps entries, with a bound on how many, so that every place where a batch can be full is met.
using System.Text;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper.Tests.Frame;

internal sealed record FramedEntry(LineStream Stream, long UnixNanos, string Line);

internal struct ListSink(List<FramedEntry> entries, int room = int.MaxValue) : IEntrySink
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public bool TryAdd(LineStream stream, long unixNanos, ReadOnlySpan<byte> line)
    {
        if (room == 0) return false;
        room--;
        entries.Add(new FramedEntry(stream, unixNanos, Strict.GetString(line)));
        return true;
    }
}

/// <summary>Frames a file's bytes as a lane does: chunk by chunk, offering again what was not consumed.</summary>
internal sealed class FramingRun(LineFramer framer, FileFraming file, byte[] content, long offset = 0)
{
    public const long ReadNanos = 1_795_000_000_000_000_000;

    public List<FramedEntry> Entries { get; } = [];

    /// <summary>Offset of the next byte to frame.</summary>
    public long At { get; private set; } = offset;

    /// <summary>Positions that could be committed, each with the number of entries that are delivered then.</summary>
    public List<(long Offset, FramePosition Frame, int Entries)> Positions { get; } = [];

    /// <param name="chunkOf">Length of the next chunk, 1 or more.</param>
    /// <param name="roomOf">Entries that fit before the sink is full once.</param>
    public FramingRun ToEnd(Func<int> chunkOf, Func<int>? roomOf = null)
    {
        int held = 0;
        while (true)
        {
            int length = (int)Math.Min(held + chunkOf(), content.Length - At);
            bool last = At + length == content.Length;
            var sink = new ListSink(Entries, roomOf?.Invoke() ?? int.MaxValue);
            FrameResult result = framer.Frame(file, content.AsSpan((int)At, length), At, last ? ChunkEnd.Final : ChunkEnd.Open, ReadNanos, ref sink);
            At += result.Consumed;
            held = result.Consumed == 0 && !result.SinkFull ? length : 0;
            long resume = file.ResumeAt(At, out FramePosition frame);
            Positions.Add((resume, frame, Entries.Count));
            if (last && !result.SinkFull) return this;
        }
    }
}
