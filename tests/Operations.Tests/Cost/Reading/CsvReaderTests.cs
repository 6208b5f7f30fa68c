// The reader against every way to cut a file into pieces, and against what people and programs do to CSV.
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LokiGateway.Operations.Cost.Reading;

namespace LokiGateway.Operations.Tests.Cost.Reading;

public sealed class CsvReaderTests
{
    [Property(MaxTest = 300)]
    public Property WhatIsWritten_IsReadBack_HoweverTheBytesArrive() => Prop.ForAll(Tables().ToArbitrary(), Gen.Choose(1, 40).ToArbitrary(), static (table, piece) =>
    {
        string newline = piece % 2 == 0 ? "\r\n" : "\n";
        string text = string.Concat(table.Select(row => string.Join(',', row.Select((field, i) => (i + piece) % 3 == 0 ? Quoted(field) : AsNeeded(field))) + newline));
        List<string[]> read = [.. Read(text, piece).Select(static record => record.Fields)];
        return (read.Count == table.Length && read.Zip(table).All(static pair => pair.First.SequenceEqual(pair.Second))).Label(text);
    });

    [Fact]
    public void LastLine_NeedsNoNewline() => Assert.Equal([["a", "b"], ["1", ""]], Read("a,b\n1,").Select(static record => record.Fields));

    [Fact]
    public void ByteOrderMarkAndEmptyLines_AreNoFields() => Assert.Equal([["a", "b"], ["1", "2"]], Read("\uFEFFa,b\r\n\r\n1,2\n\n").Select(static record => record.Fields));

    [Theory]
    [InlineData("a,b\nx\"y,2\n3,4\n", "a quote stands inside of a field that is not quoted", 2, 2)]
    [InlineData("a,b\n1,\"y\"z\n3,4\n", "a field goes on after its closing quote", 2, 6)]
    [InlineData("a,b\nü,\"y\" \n3,4\n", "a field goes on after its closing quote", 2, 6)]
    [InlineData("a,b\n1,\"never closed\n3,4\n", "a quote is opened here and never closed", 2, 3)]
    public void BrokenRow_HasAPlace_AndTheNextLineIsReadAllTheSame(string text, string message, long line, long column)
    {
        foreach (int piece in (int[])[1, 3, 1000])
        {
            List<(string[] Fields, (string Message, long Line, long Column)? Fault, long Line)> records = Read(text, piece);
            Assert.Equal(3, records.Count);
            Assert.StartsWith(message, records[1].Fault!.Value.Message, StringComparison.Ordinal);
            Assert.Equal((line, column), (records[1].Fault!.Value.Line, records[1].Fault!.Value.Column));
            Assert.Equal(["3", "4"], records[2].Fields);
            Assert.Equal(3, records[2].Line);
        }
    }

    [Fact]
    public void RowThatIsTooLong_IsOneFault_AndDoesNotSwallowTheFile()
    {
        string text = "a,b\n1,\"" + new string('x', 5000) + "\n3,4\n" + string.Concat(Enumerable.Repeat("5,6\n", 2000));

        List<(string[] Fields, (string Message, long Line, long Column)? Fault, long Line)> records = Read(text, 700, recordBytesMax: 2000);

        Assert.Contains("longer than 2000 bytes", records[1].Fault!.Value.Message, StringComparison.Ordinal);
        Assert.Equal(2003, records.Count);
        Assert.Equal(["5", "6"], records[^1].Fields);
        Assert.Equal(2003L, records[^1].Line);
    }

    [Fact]
    public void Position_CountsLinesInsideOfQuotes_AndCharactersNotBytes()
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes("\"ä\nö\",\"ü\",x\ny,z,w\n"));
        using var csv = new CsvReader(stream);
        Assert.True(Next(csv));
        Assert.Equal((1, 1), csv.PositionOf(0));
        Assert.Equal((2, 4), csv.PositionOf(1));
        Assert.Equal((2, 8), csv.PositionOf(2));
        Assert.True(Next(csv));
        Assert.Equal((3, 3), csv.PositionOf(1));
    }

    internal static List<(string[] Fields, (string Message, long Line, long Column)? Fault, long Line)> Read(
        string text, int piece = 4096, int recordBytesMax = CsvReader.RecordBytesDefault)
    {
        using var stream = new PieceStream(Encoding.UTF8.GetBytes(text), piece);
        using var csv = new CsvReader(stream, recordBytesMax);
        var records = new List<(string[] Fields, (string Message, long Line, long Column)? Fault, long Line)>();
        while (Next(csv))
            records.Add(([.. Enumerable.Range(0, csv.FieldCount).Select(i => Encoding.UTF8.GetString(csv[i]))], csv.Fault, csv.Line));
        return records;
    }

    private static bool Next(CsvReader csv)
    {
        while (!csv.TryRead())
        {
            if (!csv.FillAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult()) return false;
        }

        return true;
    }

    private static string Quoted(string field) => $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string AsNeeded(string field) => field.AsSpan().IndexOfAny("\",\r\n") < 0 ? field : Quoted(field);

    private static Gen<string[][]> Tables() =>
        from columns in Gen.Choose(2, 6)
        from rows in Gen.NonEmptyListOf(Gen.ArrayOf(Fields(), columns))
        select rows.ToArray();

    private static Gen<string> Fields() =>
        from characters in Gen.ListOf(Gen.Elements('a', ',', '"', '\n', '\r', ' ', 'ü', '7', '{'))
        select new string([.. characters]);

    private sealed class PieceStream(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(piece, buffer.Length)], cancellationToken);
    }
}
