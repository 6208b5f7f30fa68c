// What is done with a file of which one stream may not go on: its endpoint refuses it for now, or older lines of it wait in another file. The other stream
// does go on: the lines of the first are passed over, and read when their time has come. The file is the buffer, as ever.
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper;

/// <summary>Lane only.</summary>
internal static class StreamHold
{
    /// <summary>
    /// Before a file's turn: holds the stream that must wait, and goes back to where it was left when it need not any more. False: nothing of the file
    /// may be read now.
    /// </summary>
    public static bool Arrange(TailedFile file, PipelineFile state)
    {
        LineStreams waiting = file.IsGivenUp ? LineStreams.None : state.Parked | Behind(state);
        FileFraming framing = state.Framing;
        if (framing.Places?.Held is { } held && !waiting.Has(held.Stream))
        {
            file.ReadOffset = framing.ReleaseHeld(file.ReadOffset);
            file.HeldFrom = -1;
            // It did not grow, but there is something to read in it again.
            file.HasUnframedLines = true;
            state.WentBackTo(file.ReadOffset);
        }
        if (waiting == LineStreams.None) return true;
        if (waiting == LineStreams.Both || state.IsOneStream) return false;
        if (framing.Places?.Held is not null) return true;
        if (!framing.TryHold(waiting == LineStreams.Stdout ? LineStream.Stdout : LineStream.Stderr, file.ReadOffset)) return false;
        file.HeldFrom = framing.Places?.Held?.Offset ?? -1;
        return true;
    }

    /// <summary>
    /// When a file is first looked at: a stream that was left behind in the file before it (an older generation, an earlier run of the container) waits in
    /// this one, too, so that its lines keep their order.
    /// </summary>
    public static void Follow(PipelineFile state, TailedFile older)
    {
        if (older.Frame is not PipelineFile olderState || olderState.Framing.Places?.BehindAt(older.ReadOffset) is null) return;
        state.Older = older;
        if (state.Framing.State.Format == SourceFormat.Auto) state.Framing.State.Format = olderState.Framing.State.Format;
    }

    /// <summary>Any thread: why lines of the file are left in it; null: they are not.</summary>
    public static string? ReasonOf(PipelineFile state)
    {
        string? which = state.Parked switch
        {
            LineStreams.None => null,
            LineStreams.Stdout when !state.IsRaw => "stdout is",
            LineStreams.Stderr => "stderr is",
            _ => "it is",
        };
        if (which is not null) return $"{which} over a limit of the endpoint (429 for single streams), and tried again";
        return state.Older is { } older && state.Framing.Places?.Held is { } held
            ? $"{held.Stream.ToString().ToLowerInvariant()}: older lines are sent first: {older.CurrentPath}"
            : null;
    }

    private static LineStreams Behind(PipelineFile state)
    {
        if (state.Older is not { } older) return LineStreams.None;
        // What cannot be read is not waited for.
        if (older is { Drained: false, LastError: 0 } && older.Frame is PipelineFile { Framing.Places: { } places } && places.BehindAt(older.ReadOffset) is { } stream)
            return stream.Alone();
        state.Older = null;
        return LineStreams.None;
    }
}
