// Files that were read to their end for good and wait for their last batch.
using LokiGateway.Shipper.Tail;

namespace LokiGateway.Shipper;

/// <summary>Lane only.</summary>
internal sealed class EndingFiles
{
    private readonly List<(TailedFile File, PipelineFile State)> _files = [];

    public void Add(TailedFile file, PipelineFile state) => _files.Add((file, state));

    /// <summary>Lets go those whose lines are decided: their end is acknowledged.</summary>
    public void LetGo()
    {
        for (int i = _files.Count - 1; i >= 0; i--)
        {
            (TailedFile file, PipelineFile state) = _files[i];
            // A line that it began is still open in the generation after it.
            if (state.HasLinesInFlight || state.Framing.HandedOn is not null) continue;
            file.Acknowledge(state.PositionIn(file));
            state.Release();
            _files.RemoveAt(i);
        }
    }
}
