// Structured metadata of one entry, or the labels of a stream, in the store: [varint length][name][varint length][value] for each pair, in the order it was sent.
// Opaque bytes keep equal metadata equal, so that a query can group entries by them without decoding each one.

using System.Buffers;
using System.Text;
using LokiGateway.Protocol.Labels;

namespace LokiGateway.LocalLoki.Store;

internal static class MetadataBlob
{
    public static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        WriteText(output, name);
        WriteText(output, value);
    }

    /// <summary>The labels of a stream as a blob.</summary>
    public static byte[] Of(LabelSet labels)
    {
        ArrayBufferWriter<byte> blob = new();
        foreach ((string name, string value) in labels.Pairs) Write(blob, Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value));
        return blob.WrittenSpan.ToArray();
    }

    /// <summary>Back from <see cref="Of"/>.</summary>
    public static LabelSet ToLabels(ReadOnlySpan<byte> blob)
    {
        List<KeyValuePair<string, string>> pairs = [];
        while (TryRead(ref blob, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
            pairs.Add(KeyValuePair.Create(Encoding.UTF8.GetString(name), Encoding.UTF8.GetString(value)));
        return LabelSet.Of(pairs);
    }

    public static bool TryRead(ref ReadOnlySpan<byte> blob, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = value = default;
        if (blob.IsEmpty) return false;
        name = ReadText(ref blob);
        value = ReadText(ref blob);
        return true;
    }

    private static void WriteText(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        Span<byte> target = output.GetSpan(text.Length + 5);
        uint rest = (uint)text.Length;
        int at = 0;
        for (; rest >= 0x80; rest >>= 7) target[at++] = (byte)(rest | 0x80);
        target[at++] = (byte)rest;
        text.CopyTo(target[at..]);
        output.Advance(at + text.Length);
    }

    private static ReadOnlySpan<byte> ReadText(ref ReadOnlySpan<byte> blob)
    {
        int length = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = blob[0];
            blob = blob[1..];
            length |= (next & 0x7f) << shift;
            if (next < 0x80) break;
        }
        ReadOnlySpan<byte> text = blob[..length];
        blob = blob[length..];
        return text;
    }
}
