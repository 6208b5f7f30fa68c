// Promtail's positions as our checkpoint: after it the shipper reads on at the very line at which Promtail stopped. Promtail knows a path and an offset, we
// know the file itself; so each is opened, and what does not fit together any more is named and read from its beginning, which loses nothing.
using System.Globalization;
using LokiGateway.Hosting.Configuration;
using LokiGateway.Hosting.Lifetime;
using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Discover;
using LokiGateway.Shipper.Frame;
using LokiGateway.Shipper.Tail;
using Microsoft.Extensions.Logging.Abstractions;

namespace LokiGateway.Shipper.Migrate;

internal static class PositionsConversion
{
    private const int SomethingLeftOut = 2;

    /// <summary>The longest line that is looked back over; what is longer was cut by Promtail and by Loki anyhow.</summary>
    private const int LookBackBytesMax = 1 << 20;

    private static readonly char[] Blanks = ['"', ' '];

    /// <summary>Writes the checkpoint. <see cref="StateDirectoryException"/> when the directory is in use or not to be written.</summary>
    public static int Run(string path, string stateDirectory, bool force, TimeProvider time, TextWriter stderr)
    {
        YamlNode root = YamlNode.Load(path);
        if (FileStat.OfPath(path, out FileStat positionsStat) is not 0 and var errno) throw new IOException($"{path}: {Errno.Text(errno)}");
        var report = new ConversionReport();
        var entries = new Dictionary<FileKey, CheckpointEntry>();
        if (root["positions"] is not { IsMap: true } positions)
        {
            if (root["positions"] is not { IsNull: true }) throw new IOException($"{path}: is no positions file of Promtail: it has no map \"positions\"");
            positions = root["positions"]!;
        }
        foreach ((string file, long line, YamlNode value) in positions.Pairs) Convert(file, line, value.Text ?? "", entries, report);

        using (Checkpoint checkpoint = Checkpoint.Open(stateDirectory, time, NullLogger.Instance))
        {
            if (checkpoint.Loaded.Entries.Count > 0 && !force)
                throw new IOException($"{stateDirectory} has the positions of {checkpoint.Loaded.Entries.Count} files already; --force writes over them");
            // Files that appeared after Promtail last saved are new to the shipper as well.
            if (!checkpoint.Save(entries.Values, ClockReading.OfWall(positionsStat.ModifiedNanos)))
                throw new IOException($"{stateDirectory}: the positions could not be written");
        }
        foreach (string text in report.Lines(path)) stderr.WriteLine(text);
        stderr.WriteLine($"{entries.Count} files go on where Promtail stopped, {report.LeftOut} positions were left out");
        return report.LeftOut == 0 ? ExitCodes.Success : SomethingLeftOut;
    }

    private static void Convert(string path, long line, string text, Dictionary<FileKey, CheckpointEntry> entries, ConversionReport report)
    {
        if (!path.StartsWith('/'))
        {
            report.NotCarried(line, path, "is the cursor of a journal or of another source that is no file");
            return;
        }
        if (!long.TryParse(text.Trim(Blanks), NumberStyles.None, CultureInfo.InvariantCulture, out long offset))
        {
            report.NotCarried(line, path, $"\"{text}\" is no offset");
            return;
        }
        OpenedFile? opened = OpenedFile.TryOpen(path, skipBinary: false, out _, out string? trouble);
        if (opened is null)
        {
            report.NotCarried(line, path, trouble ?? "there is no such file any more");
            return;
        }
        using (opened.Handle)
        {
            if (opened.Head.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]))
            {
                report.NotCarried(line, path, "is compressed: Promtail counted its lines, not its bytes");
            }
            else if (offset > opened.Stat.Size)
            {
                report.NotCarried(line, path, $"has {opened.Stat.Size} bytes and Promtail was at {offset}: the log was rotated or emptied since; it is read from its beginning");
            }
            else
            {
                long start = StartOfEntry(opened, offset);
                if (start != offset) report.Note(line, path, $"{offset} is in the middle of an entry; it is read from {start}");
                entries[opened.Identity.Key] = new CheckpointEntry(
                    opened.Identity, start, ReadMark.HashBefore(opened.Handle, start), default, start, LogName.HashOf(path));
            }
        }
    }

    /// <summary>
    /// The offset moved back to the beginning of a line, and over parts (P) of a container's line that is not whole yet: Promtail had those in memory only.
    /// </summary>
    private static long StartOfEntry(OpenedFile file, long offset)
    {
        int length = (int)Math.Min(offset, LookBackBytesMax);
        byte[] before = new byte[length];
        int read = 0;
        while (read < length && RandomAccess.Read(file.Handle, before.AsSpan(read), offset - length + read) is > 0 and var some) read += some;
        ReadOnlySpan<byte> text = before.AsSpan(0, read);
        long from = offset - length;
        int start = text.LastIndexOf((byte)'\n') + 1;
        // No line break in all that was looked at: the middle of a line that is too long. It goes on there.
        if (start == 0 && from > 0) return offset;
        while (start > 0)
        {
            ReadOnlySpan<byte> lines = text[..(start - 1)];
            int previous = lines.LastIndexOf((byte)'\n') + 1;
            var seconds = default(SecondCache);
            if ((previous == 0 && from > 0) || !CriLine.TryParse(lines[previous..], ref seconds, out CriLine cri) || !cri.Partial) break;
            start = previous;
        }
        return from + start;
    }
}
