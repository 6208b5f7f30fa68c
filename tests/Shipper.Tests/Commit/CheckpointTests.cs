// The positions file against everything that a disk, a crash and a human can do to it: it is always the old positions or the new ones,
// or a clear word and a start without.
using System.Diagnostics;
using LokiGateway.Shipper.Commit;
using LokiGateway.Shipper.Tail;
using LokiGateway.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LokiGateway.Shipper.Tests.Commit;

public sealed class CheckpointTests : IDisposable
{
    private readonly TempDirectory _directory = new("checkpoint");

    private string FilePath => Path.Combine(_directory.Path, Checkpoint.FileName);

    [Fact]
    public void FirstStart_HasNoPositions()
    {
        using Checkpoint checkpoint = Open();
        Assert.Empty(checkpoint.Loaded.Entries);
        Assert.Null(checkpoint.Loaded.SeenThrough);
        Assert.False(checkpoint.LoadedDamaged);
        Assert.Null(checkpoint.LastSaved);
    }

    [Fact]
    public void SavedPositions_ComeBackExactly()
    {
        CheckpointEntry[] entries = Entries(100, seed: 1);
        using (Checkpoint checkpoint = Open())
        {
            Assert.True(checkpoint.Save(entries, ClockReading.OfWall(12345)));
            Assert.NotNull(checkpoint.LastSaved);
        }
        using Checkpoint again = Open();
        Assert.Equal(entries.OrderBy(e => e.Identity.Inode), again.Loaded.Entries.Values.OrderBy(e => e.Identity.Inode));
        Assert.Equal(12345, again.Loaded.SeenThrough?.WallNanos);
    }

    [Fact]
    public void EverySave_ReplacesTheOlderSlot_AndTheFileKeepsItsSize()
    {
        using Checkpoint checkpoint = Open();
        checkpoint.Save(Entries(10, 0), ClockReading.OfWall(0));
        long length = new FileInfo(FilePath).Length;
        for (int i = 1; i < 20; i++)
        {
            Assert.True(checkpoint.Save(Entries(10, i), ClockReading.OfWall(i)));
            Assert.Equal(length, new FileInfo(FilePath).Length);
            Assert.Equal(i, LoadCopy().SeenThrough?.WallNanos);
        }
    }

    [Fact]
    public void MoreFilesThanFit_GrowTheFile_AndFewerNeedNoNewOne()
    {
        using (Checkpoint checkpoint = Open())
        {
            foreach (int count in (int[])[1, 256, 257, 5000, 3, 0, 5001])
            {
                Assert.True(checkpoint.Save(Entries(count, count), ClockReading.OfWall(count)));
                Assert.Equal(count, LoadCopy().Entries.Count);
            }
        }
        using Checkpoint again = Open();
        Assert.Equal(5001, again.Loaded.Entries.Count);
        Assert.False(File.Exists(FilePath + ".new"));
    }

    [Fact]
    public void CrashAtEveryByteOfASave_LeavesTheOldOrTheNewPositions()
    {
        (byte[] before, byte[] after) = BeforeAndAfterASave(records: 12);
        int used = CheckpointSlot.HeaderBytes + 12 * CheckpointSlot.RecordBytes;
        int torn = 0;
        for (int written = 0; written <= used; written++)
        {
            byte[] crashed = (byte[])before.Clone();
            int slotStart = SlotThatDiffers(before, after);
            Array.Copy(after, slotStart, crashed, slotStart, written);
            long? seen = Load(crashed).SeenThrough?.WallNanos;
            Assert.True(seen is 1 or 2, $"after {written} bytes: {seen}");
            if (seen == 1) torn++;
        }
        Assert.InRange(torn, used / 2, used);
        Assert.Equal(2, Load(after).SeenThrough?.WallNanos);
    }

    [Fact]
    public void P_CrashWithBlocksOutOfOrder_LeavesTheOldOrTheNewPositions_1000Cases()
    {
        (byte[] before, byte[] after) = BeforeAndAfterASave(records: 250);
        int blocks = before.Length / 4096;
        var random = new Random(20261122);
        int olds = 0;
        for (int i = 0; i < 1000; i++)
        {
            // The disk may have written any of the blocks, one of them in part.
            byte[] crashed = (byte[])before.Clone();
            for (int block = 0; block < blocks; block++)
                if (random.Next(2) == 0) Array.Copy(after, block * 4096, crashed, block * 4096, 4096);
            int partial = random.Next(blocks) * 4096;
            Array.Copy(after, partial, crashed, partial, random.Next(4097));
            CheckpointContents contents = Load(crashed);
            Assert.True(contents.SeenThrough?.WallNanos is 1 or 2);
            Assert.Equal(250, contents.Entries.Count);
            Assert.All(contents.Entries.Values, e => Assert.Equal(contents.SeenThrough?.WallNanos, e.Offset % 10));
            if (contents.SeenThrough?.WallNanos == 1) olds++;
        }
        Assert.InRange(olds, 1, 1000);
    }

    [Fact]
    public void P_OneFlippedBit_IsNoticed_1000Cases()
    {
        (byte[] before, byte[] after) = BeforeAndAfterASave(records: 12);
        var random = new Random(7);
        int newSlot = SlotThatDiffers(before, after);
        int used = CheckpointSlot.HeaderBytes + 12 * CheckpointSlot.RecordBytes;
        for (int i = 0; i < 1000; i++)
        {
            byte[] flipped = (byte[])after.Clone();
            flipped[newSlot + random.Next(used)] ^= (byte)(1 << random.Next(8));
            Assert.Equal(1, Load(flipped).SeenThrough?.WallNanos);
        }
    }

    [Fact]
    public void CrashWhileGrowing_LeavesTheOldFile()
    {
        using (Checkpoint checkpoint = Open()) checkpoint.Save(Entries(10, 1), ClockReading.OfWall(1));
        File.WriteAllBytes(FilePath + ".new", new byte[100]);
        using Checkpoint again = Open();
        Assert.Equal(1, again.Loaded.SeenThrough?.WallNanos);
        Assert.True(again.Save(Entries(1000, 2), ClockReading.OfWall(2)));
        Assert.Equal(1000, LoadCopy().Entries.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("positions:\n  /var/log/syslog: \"12345\"\n")]
    [InlineData("LKSHPOS1")]
    [InlineData("\0\0\0\0\0\0\0\0")]
    public void EmptyTornOrForeignFile_IsSetAside_AndTheStartGoesOn(string content)
    {
        File.WriteAllText(FilePath, content);
        using (Checkpoint checkpoint = Open())
        {
            Assert.True(checkpoint.LoadedDamaged);
            Assert.Empty(checkpoint.Loaded.Entries);
            Assert.NotNull(checkpoint.Loaded.SeenThrough);
            Assert.Equal(content, File.ReadAllText(FilePath + ".damaged"));
            Assert.True(checkpoint.Save(Entries(3, 1), ClockReading.OfWall(1)));
        }
        using Checkpoint again = Open();
        Assert.False(again.LoadedDamaged);
        Assert.Equal(3, again.Loaded.Entries.Count);
    }

    [Fact]
    public void DirectoryInPlaceOfTheFile_DoesNotStopTheStart()
    {
        Directory.CreateDirectory(FilePath);
        using Checkpoint checkpoint = Open();
        Assert.True(checkpoint.LoadedDamaged);
        Assert.True(checkpoint.Save(Entries(3, 1), ClockReading.OfWall(1)));
    }

    [Fact]
    public void P_HostileBytes_NeverThrowAndNeverLoad_2000Cases()
    {
        (byte[] _, byte[] after) = BeforeAndAfterASave(records: 12);
        var random = new Random(99);
        for (int i = 0; i < 2000; i++)
        {
            byte[] slot = after[..(after.Length / 2)];
            // A header that says anything about counts and sizes, over real content.
            random.NextBytes(slot.AsSpan(8 + random.Next(24), random.Next(1, 24)));
            byte[] cut = slot[..random.Next(slot.Length + 1)];
            CheckpointSlot.TryReadHeader(slot, out _);
            Assert.False(CheckpointSlot.TryReadHeader(cut, out _) && cut.Length != slot.Length);
        }
    }

    [Fact]
    public void SecondShipperOnTheSameDirectory_IsRefusedByName()
    {
        using Checkpoint first = Open();
        var refused = Assert.Throws<StateDirectoryException>(Open);
        Assert.StartsWith($"state_directory '{_directory.Path}' is in use by another shipper (process {Environment.ProcessId})", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DirectoryUnderARegularFile_IsAClearStartError()
    {
        string file = _directory.Write("file", "x");
        var refused = Assert.Throws<StateDirectoryException>(() => Checkpoint.Open(Path.Combine(file, "state"), TimeProvider.System,
            NullLogger.Instance));
        Assert.Contains($"state_directory '{file}/state' cannot be written by user id", refused.Message);
        Assert.Contains("set state_directory to another path", refused.Message);
    }

    [Fact]
    public void ReadOnlyFileSystem_IsAClearStartError()
    {
        // /proc takes no files from anybody, root included.
        var refused = Assert.Throws<StateDirectoryException>(() => Checkpoint.Open("/proc/1/fdinfo", TimeProvider.System,
            NullLogger.Instance));
        Assert.Contains("/proc/1/fdinfo", refused.Message);
        Assert.Contains("cannot be written", refused.Message);
    }

    [Fact]
    public void FullDisk_KeepsTheLastPositions_SavesInPlace_AndRecovers()
    {
        string mount = _directory.Folder("small");
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", mount), "mounting a tmpfs is not permitted here");
        try
        {
            using Checkpoint checkpoint = Checkpoint.Open(mount, TimeProvider.System, NullLogger.Instance);
            Assert.True(checkpoint.Save(Entries(200, 1), ClockReading.OfWall(1)));
            Fill(mount);
            // In place: needs no new block.
            Assert.True(checkpoint.Save(Entries(256, 2), ClockReading.OfWall(2)));
            Assert.Equal(0, checkpoint.SaveFailures);
            // More than fit, and no room for a larger file: what fits is saved.
            Assert.False(checkpoint.Save(Entries(1000, 3), ClockReading.OfWall(3)));
            Assert.True(checkpoint.SaveFailures > 0);
            Assert.Equal((3L, 256), (LoadCopy(mount).SeenThrough!.WallNanos, LoadCopy(mount).Entries.Count));
            // Room again.
            File.Delete(Path.Combine(mount, "ballast"));
            Assert.True(checkpoint.Save(Entries(300, 4), ClockReading.OfWall(4)));
            Assert.Equal((4L, 300), (LoadCopy(mount).SeenThrough!.WallNanos, LoadCopy(mount).Entries.Count));
        }
        finally
        {
            Assert.True(Run("umount", "-l", mount));
        }
    }

    [Fact]
    public void FullDiskAtTheStart_IsNoReasonNotToStart()
    {
        string mount = _directory.Folder("full");
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=4", "tmpfs", mount),
            "mounting a tmpfs is not permitted here");
        try
        {
            using (Checkpoint first = Checkpoint.Open(mount, TimeProvider.System, NullLogger.Instance))
                Assert.True(first.Save(Entries(10, 1), ClockReading.OfWall(1)));
            Fill(mount);
            using Checkpoint checkpoint = Checkpoint.Open(mount, TimeProvider.System, NullLogger.Instance);
            Assert.Equal(1, checkpoint.Loaded.SeenThrough?.WallNanos);
            Assert.True(checkpoint.Save(Entries(10, 2), ClockReading.OfWall(2)));
        }
        finally
        {
            Assert.True(Run("umount", "-l", mount));
        }
    }

    public void Dispose() => _directory.Dispose();

    private static bool Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static void Fill(string mount)
    {
        using FileStream ballast = File.Create(Path.Combine(mount, "ballast"));
        byte[] block = new byte[4096];
        try
        {
            for (int blocks = 0; blocks < 1024; blocks++)
            {
                ballast.Write(block);
                ballast.Flush(flushToDisk: true);
            }
            Assert.Fail("the disk did not get full");
        }
        catch (IOException)
        {
            // That is what was wanted.
        }
    }

    private static CheckpointEntry[] Entries(int count, int seed) =>
    [
        .. Enumerable.Range(0, count).Select(i => new CheckpointEntry(
            new FileIdentity(0x0000_00fe_0000_0001, (ulong)i + 1, (ulong)(i * 31 + 7), i % 257), (i * 1000L) + (seed % 10), (ulong)i * 77,
            new FramePosition { StdoutOriginal = i, StdoutAssigned = i + 1, StderrOriginal = -i, StderrAssigned = long.MaxValue - i,
                Flags = seed, Entries = 5 })),
    ];

    private static int SlotThatDiffers(byte[] before, byte[] after) =>
        before.AsSpan(0, before.Length / 2).SequenceEqual(after.AsSpan(0, before.Length / 2)) ? before.Length / 2 : 0;

    private static CheckpointContents Load(byte[] file)
    {
        using var directory = new TempDirectory("crashed");
        File.WriteAllBytes(Path.Combine(directory.Path, Checkpoint.FileName), file);
        using Checkpoint checkpoint = Checkpoint.Open(directory.Path, TimeProvider.System, NullLogger.Instance);
        return checkpoint.Loaded;
    }

    private Checkpoint Open() => Checkpoint.Open(_directory.Path, TimeProvider.System, NullLogger.Instance);

    /// <summary>What a process would load that starts now, while the first still holds its lock.</summary>
    private CheckpointContents LoadCopy(string? directory = null) => Load(File.ReadAllBytes(Path.Combine(directory ?? _directory.Path,
        Checkpoint.FileName)));

    private (byte[] Before, byte[] After) BeforeAndAfterASave(int records)
    {
        using var directory = new TempDirectory("slots");
        string path = Path.Combine(directory.Path, Checkpoint.FileName);
        using Checkpoint checkpoint = Checkpoint.Open(directory.Path, TimeProvider.System, NullLogger.Instance);
        checkpoint.Save(Entries(records, 0), ClockReading.OfWall(0));
        checkpoint.Save(Entries(records, 1), ClockReading.OfWall(1));
        byte[] before = File.ReadAllBytes(path);
        checkpoint.Save(Entries(records, 2), ClockReading.OfWall(2));
        return (before, File.ReadAllBytes(path));
    }
}
