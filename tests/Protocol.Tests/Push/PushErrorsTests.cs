// Malformed protobuf, fault by fault, with the words that Loki 3.2.1 has for each; and what looks malformed but is accepted.
using LokiGateway.Protocol.Push;

namespace LokiGateway.Protocol.Tests.Push;

public sealed class PushErrorsTests
{
    private const string Eof = "unexpected EOF";
    private const string Overflow = "proto: integer overflow";
    private const string Negative = "proto: negative length found during unmarshaling";

    [Theory]
    // Varints and lengths.
    [InlineData("0A", Eof)]
    [InlineData("8A", Eof)]
    [InlineData("0A05", Eof)]
    [InlineData("0A0512", Eof)]
    [InlineData("0AFFFFFFFF7F", Eof)]
    [InlineData("0AFFFFFFFFFFFFFFFF7F", Negative)] // 2^63-1: the place after it overflows
    [InlineData("0AFFFFFFFFFFFFFFFFFF01", Negative)] // -1
    [InlineData("0AFFFFFFFFFFFFFFFFFF7F", Negative)] // the tenth byte's upper bits are dropped
    [InlineData("0A80808080808080808001", Negative)] // -2^63
    [InlineData("0AFFFFFFFFFFFFFFFFFFFF01", Overflow)]
    [InlineData("FFFFFFFFFFFFFFFFFFFF01", Overflow)]
    [InlineData("0A031A80", Eof)]
    [InlineData("0A0218FF", Eof)]
    [InlineData("0A0C18FFFFFFFFFFFFFFFFFFFF01", Overflow)]
    [InlineData("0A0312FF01", Eof)] // an entry past the end of its stream, though not of the request
    [InlineData("0A0312020A00", Eof)]
    // Known fields of another wire type.
    [InlineData("0801", "proto: wrong wireType = 0 for field Streams")]
    [InlineData("0B", "proto: wrong wireType = 3 for field Streams")]
    [InlineData("0F", "proto: wrong wireType = 7 for field Streams")]
    [InlineData("0A020801", "proto: wrong wireType = 0 for field StructuredMetadata")] // Loki's slip: it is the labels
    [InlineData("0A021001", "proto: wrong wireType = 0 for field Entries")]
    [InlineData("0A021A00", "proto: wrong wireType = 2 for field Hash")]
    [InlineData("0A0412020801", "proto: wrong wireType = 0 for field Timestamp")]
    [InlineData("0A0412021001", "proto: wrong wireType = 0 for field Line")]
    [InlineData("0A0412021801", "proto: wrong wireType = 0 for field StructuredMetadata")]
    [InlineData("0A0412022001", "proto: wrong wireType = 0 for field Parsed")]
    [InlineData("0A0612040A020A00", "proto: wrong wireType = 2 for field Seconds")]
    [InlineData("0A0612040A021200", "proto: wrong wireType = 2 for field Nanos")]
    [InlineData("0A0612041A020801", "proto: wrong wireType = 0 for field Name")]
    [InlineData("0A06120422021001", "proto: wrong wireType = 0 for field Value")]
    // End of a group that never began.
    [InlineData("0C", "proto: PushRequest: wiretype end group for non-group")]
    [InlineData("0A010C", "proto: StreamAdapter: wiretype end group for non-group")]
    [InlineData("0A0312010C", "proto: EntryAdapter: wiretype end group for non-group")]
    [InlineData("0A0512030A010C", "proto: Timestamp: wiretype end group for non-group")]
    [InlineData("0A0512031A010C", "proto: LabelPairAdapter: wiretype end group for non-group")]
    [InlineData("0A05120322017C", "proto: LabelPairAdapter: wiretype end group for non-group")]
    [InlineData("68656C6C6F", "proto: PushRequest: wiretype end group for non-group")] // "hello", as recorded
    // Field numbers.
    [InlineData("0001", "proto: PushRequest: illegal tag 0 (wire type 0)")]
    [InlineData("02", "proto: PushRequest: illegal tag 0 (wire type 2)")]
    [InlineData("0A0102", "proto: StreamAdapter: illegal tag 0 (wire type 2)")]
    [InlineData("FAFFFFFF7F", "proto: PushRequest: illegal tag -1 (wire type 34359738362)")]
    [InlineData("8280808080808080800100", "proto: PushRequest: illegal tag 0 (wire type 9223372036854775810)")]
    // Unknown fields and groups.
    [InlineData("7E", "proto: illegal wireType 6")]
    [InlineData("7F", "proto: illegal wireType 7")]
    [InlineData("7B0E7C", "proto: illegal wireType 6")]
    [InlineData("7B", Eof)]
    [InlineData("7B7B7C", Eof)]
    [InlineData("7B7A057C", Eof)]
    [InlineData("7901020304050607", Eof)]
    [InlineData("7D010203", Eof)]
    [InlineData("78", Eof)]
    [InlineData("78FFFFFFFFFFFFFFFFFFFF01", Overflow)]
    [InlineData("7AFFFFFFFFFFFFFFFFFF01", Negative)]
    // Times.
    [InlineData("0A0A12080A06108094EBDC03", "timestamp: &types.Timestamp{Seconds: 0,\nNanos: 1000000000,\n}: nanos not in range [0, 1e9)")]
    [InlineData("0A0F120D0A0B10FFFFFFFFFFFFFFFFFF01", "timestamp: &types.Timestamp{Seconds: 0,\nNanos: -1,\n}: nanos not in range [0, 1e9)")]
    [InlineData("0A0B12090A07088083D1FFAF07", "timestamp: &types.Timestamp{Seconds: 253402300800,\nNanos: 0,\n} after 10000-01-01")]
    [InlineData("0A1512130A1108FF91B8C398FEFFFFFF0110FF93EBDC03", "timestamp: &types.Timestamp{Seconds: -62135596801,\nNanos: 999999999,\n} before 0001-01-01")]
    [InlineData("0A0E120C0A0A08FFFFFFFFFFFFFFFF7F", "timestamp: &types.Timestamp{Seconds: 9223372036854775807,\nNanos: 0,\n} after 10000-01-01")]
    [InlineData("0A0F120D0A0B0880808080808080808001", "timestamp: &types.Timestamp{Seconds: -9223372036854775808,\nNanos: 0,\n} before 0001-01-01")]
    public void MalformedRequest_IsRefusedInLokisWords(string hex, string text)
    {
        var request = Convert.FromHexString(hex);
        PushSummary summary = default;
        Assert.NotEqual(PushError.None, PushSummary.TryRead(request, ref summary));
        Assert.Equal(default, summary);
        Assert.Equal(text, PushErrors.Describe(request));
        Assert.NotEqual(PushError.None, Walk(request));
    }

    [Theory]
    [InlineData("")] // nothing
    [InlineData("0A00")] // a stream without anything
    [InlineData("0A021200")] // an entry without anything
    [InlineData("7A026869")] // an unknown field
    [InlineData("7800")] // an unknown varint
    [InlineData("790102030405060708")] // an unknown fixed64
    [InlineData("7D01020304")] // an unknown fixed32
    [InlineData("7B78017C")] // an unknown group
    [InlineData("7B7B7C7C")] // nested groups
    [InlineData("7B7D010203047C")] // a fixed32 in a group
    [InlineData("7B8401")] // a group closed by another number
    [InlineData("0A80808080808080808000")] // a length of ten bytes
    [InlineData("8A80808080808080800000")] // a tag of ten bytes
    [InlineData("8A808080800100")] // a field number of which Go keeps 32 bits
    [InlineData("0A0B18FFFFFFFFFFFFFFFFFF7F")] // a varint whose tenth byte is too large
    [InlineData("0A11120F0A0D08FF82D1FFAF0710FF93EBDC03")] // the last and first valid second (253402300799)
    [InlineData("0A0F120D0A0B088092B8C398FEFFFFFF01")] // the last and first valid second (-62135596800)
    public void OddRequest_IsAcceptedAsLokiAcceptsIt(string hex)
    {
        var request = Convert.FromHexString(hex);
        PushSummary summary = default;
        Assert.Equal(PushError.None, PushSummary.TryRead(request, ref summary));
        Assert.Equal(PushError.None, Walk(request));
        Assert.Equal("", PushErrors.Describe(request));
    }

    [Fact]
    public void Groups_AreSkippedToAHundredLevels()
    {
        Assert.Equal(PushError.None, Walk(Nested(100)));
        Assert.Equal(PushError.TooDeep, Walk(Nested(101)));
        Assert.Equal(PushError.TooDeep, Walk(Nested(1_000_000)));
        Assert.Equal("proto: groups nested too deep", PushErrors.Describe(Nested(101)));
    }

    [Fact]
    public void LastOfASingularField_Counts()
    {
        // Labels "a" then "b"; time 1 s then 2 s; line "x" then "y".
        var request = Convert.FromHexString("0A160A016112" + "0E" + "0A0208010A020802" + "120178" + "120179" + "0A0162");
        var reader = new PushReader(request);
        Assert.True(reader.TryReadStream(out var stream));
        Assert.Equal("b"u8.ToArray(), stream.Labels.ToArray());
        var entries = stream.Entries();
        Assert.True(entries.TryReadEntry(out var entry));
        Assert.Equal(2_000_000_000, entry.UnixNanos);
        Assert.Equal("y"u8.ToArray(), entry.Line.ToArray());
    }

    [Fact]
    public void EveryError_HasAText()
    {
        foreach (var error in Enum.GetValues<PushError>())
            Assert.Equal(error == PushError.None, PushErrors.Text(error).Length == 0);
    }

    private static byte[] Nested(int depth) => [.. Enumerable.Repeat((byte)0x7B, depth), .. Enumerable.Repeat((byte)0x7C, depth)];

    private static PushError Walk(byte[] request)
    {
        var reader = new PushReader(request);
        while (reader.TryReadStream(out var stream))
        {
            var entries = stream.Entries();
            while (entries.TryReadEntry(out _))
            {
                // The walk itself is what is tested.
            }

            if (entries.Error != PushError.None)
                return entries.Error;
        }

        return reader.Error;
    }
}
