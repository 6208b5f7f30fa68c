// A tenant at its stream limit, as the gateway says it.
using LokiGateway.Testing;
using LokiGateway.Testing.Proto;

namespace LokiGateway.Shipper.Tests;

internal sealed class StreamLimit(string over)
{
    private volatile bool _isOpen;

    public string Over { get; set; } = over;

    public bool IsOver(string labels) => labels.Contains(Over, StringComparison.Ordinal);

    public void LetIn() => _isOpen = true;

    public SinkAnswer Answer(PushReceived push)
    {
        PushRequest request = push.Decode();
        string[] refused = _isOpen ? [] : [.. request.Streams.Select(stream => stream.Labels).Where(IsOver)];
        if (refused.Length == 0) return SinkAnswer.Ok;
        return SinkAnswer.StreamLimited(IsOver, refused);
    }
}
