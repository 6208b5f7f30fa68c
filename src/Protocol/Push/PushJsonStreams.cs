// Where the streams of a JSON push stand in its text, so that some can be taken out and the others passed on as they were written.
using System.Text;

namespace LokiGateway.Protocol.Push;

/// <summary>
/// Walks the elements of "streams" in a push that <see cref="PushJson"/> could convert, in the order in which it writes them: of two such keys the last one
/// counts, as there. Allocates nothing. Ends early where values are nested deeper than a cursor goes, so compare the number of elements.
/// </summary>
public ref struct PushJsonStreams
{
    private readonly bool hasStreams;
    private JsonCursor cursor;
    private bool inside;

    public PushJsonStreams(ReadOnlySpan<byte> json)
    {
        var walk = new JsonCursor(json);
        if (walk.Peek() != JsonKind.Object)
            return;
        var insideDocument = false;
        while (walk.TryReadKey(ref insideDocument, out var key))
        {
            if (Ascii.EqualsIgnoreCase(key.Raw, "streams"u8))
            {
                hasStreams = walk.Peek() == JsonKind.Array;
                cursor = walk;
            }

            if (!walk.TrySkip(out _))
                break;
        }
    }

    /// <summary>The text of the next stream, from its first byte to its last.</summary>
    public bool TryReadStream(out Range text)
    {
        text = default;
        if (!hasStreams || !cursor.TryReadElement(ref inside))
            return false;
        cursor.Peek();
        var start = cursor.Position;
        if (!cursor.TrySkip(out _))
            return false;
        text = start..cursor.Position;
        return true;
    }
}
