// The model writer must know exactly what it wrote: here its files are read back by an independent few lines that join P and F parts.
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.TestKit;

public sealed class RotatingLogWriterTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void FilesOnDisk_HoldExactlyTheLinesOfTheModel(int seed)
    {
        using var temp = new TempDirectory("writer");
        using var writer = new RotatingLogWriter(temp.Path, seed: seed);
        for (var round = 0; round < 20; round++)
        {
            writer.Write(25, partialShare: 0.3, tearShare: 0.5);
            if (round % 6 == 5) writer.Rotate();
        }
        writer.Finish();
        Assert.Equal(3, writer.Rotations);
        Assert.Equal(4, Directory.GetFiles(writer.Folder).Length);

        // The rotated names sort by time, and 0.log itself before them: it is the newest.
        var files = Directory.GetFiles(writer.Folder).Order(StringComparer.Ordinal).ToList();
        var pending = new Dictionary<string, string>();
        var read = new List<(string, string)>();
        foreach (var line in files.Skip(1).Append(files[0]).SelectMany(File.ReadLines))
        {
            var parts = line.Split(' ', 4);
            Assert.True(DateTimeOffset.TryParse(parts[0], out _));
            var text = pending.GetValueOrDefault(parts[1], "") + parts[3];
            pending[parts[1]] = parts[2] == "P" ? text : "";
            if (parts[2] == "F") read.Add((parts[1], text));
        }
        Assert.Equal(writer.Lines.Select(line => (line.Stream, line.Text)), read);
        Assert.Equal(writer.Count, writer.Lines.Select(line => line.Text).Distinct().Count());
    }
}
