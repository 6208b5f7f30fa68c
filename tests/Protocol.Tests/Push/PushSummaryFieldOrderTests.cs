// PushSummary walks a push once, by shortcuts; PushReader walks it field by field. Both must say the same of every order in which a
// sender may put the fields of a stream, and a reader that relies on the summary must find the same labels.
using System.Text;
using LokiGateway.Protocol.Push;

namespace LokiGateway.Protocol.Tests.Push;

public class PushSummaryFieldOrderTests
{
    private static readonly byte[] LabelsA = Field(1, "{a=\"1\"}");
    private static readonly byte[] LabelsB = Field(1, "{b=\"2\"}");
    private static readonly byte[] Hash = [0x18, 0x2A];
    private static readonly byte[] Unknown = Field(9, "what is this");
    private static readonly byte[] Plain = Entry(1_700_000_000_000_000_001, "a line that is long enough for the shortcut");
    private static readonly byte[] Short = Entry(1_700_000_000_000_000_002, "x");
    private static readonly byte[] Long = Entry(1_700_000_000_000_000_003, new string('y', 20_000));

    [Fact]
    public void EveryOrderOfFields_GivesTheSameTotalsAndLabelsAsTheFullWalk()
    {
        byte[][] fields = [LabelsA, LabelsB, Hash, Unknown, Plain, Short, Long];
        int scattered = 0;
        for (int set = 0; set < 1 << fields.Length; set++)
        {
            byte[][] chosen = [.. fields.Where((_, i) => (set & (1 << i)) != 0)];
            for (int turn = 0; turn < Math.Max(1, chosen.Length); turn++)
            {
                byte[] stream = [.. chosen.Skip(turn).Concat(chosen.Take(turn)).SelectMany(field => field)];
                byte[] request = [.. Field(1, stream), .. Unknown, .. Field(1, stream)];
                scattered += AssertSameAsFullWalk(request) ? 1 : 0;
            }
        }
        Assert.InRange(scattered, 100, 600); // both kinds have been there
    }

    [Fact]
    public void LabelsFirstAndOnce_AreNotScattered()
    {
        Assert.False(AssertSameAsFullWalk(Field(1, [.. LabelsA, .. Plain, .. Hash, .. Short])));
        Assert.True(AssertSameAsFullWalk(Field(1, [.. LabelsA, .. Plain, .. LabelsB])));
        Assert.True(AssertSameAsFullWalk(Field(1, [.. Plain, .. LabelsA])));
        Assert.True(AssertSameAsFullWalk(Field(1, Array.Empty<byte>())));
    }

    [Fact]
    public void EveryFlippedBit_IsJudgedAsTheFullWalkJudgesIt()
    {
        byte[] request = [.. Field(1, [.. LabelsA, .. Plain, .. Short, .. Hash]), .. Field(1, [.. LabelsB, .. Plain])];
        for (int bit = 0; bit < request.Length * 8; bit++)
        {
            byte[] flipped = [.. request];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertSameAsFullWalk(flipped);
        }
        for (int length = 0; length < request.Length; length++) AssertSameAsFullWalk(request[..length]);
    }

    /// <summary>Returns whether the summary found labels elsewhere than in front.</summary>
    private static bool AssertSameAsFullWalk(byte[] request)
    {
        bool isValid = TryWalk(new PushReader(request), out string walked);
        PushSummary summary = default;
        bool isAccepted = PushSummary.TryRead(request, ref summary) == PushError.None;
        Assert.Equal(isValid, isAccepted);
        if (!isValid)
        {
            Assert.Equal(default, summary);
            return false;
        }
        Assert.True(TryWalk(new PushReader(request, summary), out string walkedByHeads));
        Assert.Equal(walked, walkedByHeads);
        string totals = $"{summary.Streams} {summary.Entries} {summary.LineBytes} {summary.OldestUnixNanos} {summary.NewestUnixNanos}";
        Assert.EndsWith(totals, walked, StringComparison.Ordinal);
        return summary.HasScatteredLabels;
    }

    private static bool TryWalk(PushReader reader, out string walked)
    {
        var text = new StringBuilder();
        int streams = 0, count = 0;
        long lineBytes = 0, oldest = 0, newest = 0;
        while (reader.TryReadStream(out PushStream stream))
        {
            streams++;
            text.Append(Encoding.Latin1.GetString(stream.Labels)).Append(stream.RawRange).Append(';');
            PushEntryReader entries = stream.Entries();
            while (entries.TryReadEntry(out PushEntry entry))
            {
                oldest = count == 0 ? entry.UnixNanos : Math.Min(oldest, entry.UnixNanos);
                newest = count++ == 0 ? entry.UnixNanos : Math.Max(newest, entry.UnixNanos);
                lineBytes += entry.Line.Length;
            }
            if (entries.Error != PushError.None)
            {
                walked = "";
                return false;
            }
        }
        walked = text.Append($"{streams} {count} {lineBytes} {oldest} {newest}").ToString();
        return reader.Error == PushError.None;
    }

    private static byte[] Entry(long unixNanos, string line)
    {
        byte[] bytes = new byte[PushWriter.EntryLengthMax(line.Length)];
        return bytes[..PushWriter.WriteEntry(bytes, unixNanos, Encoding.UTF8.GetBytes(line))];
    }

    private static byte[] Field(int number, string text) => Field(number, Encoding.UTF8.GetBytes(text));

    private static byte[] Field(int number, byte[] content)
    {
        var bytes = new List<byte> { (byte)((number << 3) | 2) };
        int length = content.Length;
        for (; length >= 0x80; length >>= 7) bytes.Add((byte)(length | 0x80));
        bytes.Add((byte)length);
        return [.. bytes, .. content];
    }
}
