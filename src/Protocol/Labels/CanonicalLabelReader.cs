// Walks the labels of a stream without making objects of them: for counts over many streams.
namespace LokiGateway.Protocol.Labels;

/// <summary>Reads name after name of a label string in canonical form (<see cref="LabelText.TryHashCanonical"/>). Of any other text it may read nonsense.</summary>
public ref struct CanonicalLabelReader
{
    private ReadOnlySpan<byte> rest;

    public CanonicalLabelReader(ReadOnlySpan<byte> labels) => rest = labels.IsEmpty ? labels : labels[1..];

    /// <summary>The next label: its name and a hash of its value, the same for equal values in every stream. False at the end.</summary>
    public bool TryRead(out ReadOnlySpan<byte> name, out ulong valueHash)
    {
        name = default;
        valueHash = 0;
        var nameLength = rest.IndexOf((byte)'=');
        if (nameLength <= 0 || nameLength + 1 >= rest.Length)
            return false;
        name = rest[..nameLength];
        var quoted = rest[(nameLength + 1)..];
        var end = 1;
        while (true)
        {
            var next = end < quoted.Length ? quoted[end..].IndexOfAny((byte)'"', (byte)'\\') : -1;
            if (next < 0)
                return false;
            end += next;
            if (quoted[end] == '"')
                break;
            end += 2;
        }

        valueHash = XxHash64.Hash(quoted[1..end]);
        rest = quoted[(end + 1)..].StartsWith(", "u8) ? quoted[(end + 3)..] : default;
        return true;
    }
}
