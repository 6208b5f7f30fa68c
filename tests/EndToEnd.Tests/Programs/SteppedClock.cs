// A node whose clock jumps (NTP after a long outage, a VM that was paused). libfaketime stands between the program and the kernel, so that the
// clock of the machine that runs the tests stays as it is; the monotonic clock goes on, as in reality. The kernel makes file times itself, so the
// writers set those of their files.
using System.Globalization;
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.Programs;

/// <summary>A wall clock for programs started with <see cref="Environment"/>.</summary>
internal sealed class SteppedClock
{
    private static readonly int[] Offsets = [0, 3600, -3600, -30, 30];

    private readonly string _file;

    private SteppedClock(string file, string library)
    {
        _file = file;
        Environment = new Dictionary<string, string>
        {
            ["LD_PRELOAD"] = library,
            ["FAKETIME_TIMESTAMP_FILE"] = file,
            ["FAKETIME_NO_CACHE"] = "1",
            ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
        };
    }

    /// <summary>For <see cref="ShipperSetup"/>.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>Null when the library is not on this machine; eng/test.sh installs it.</summary>
    public static SteppedClock? Prepare(TempDirectory temp, out string missing)
    {
        missing = "libfaketime is not on this machine: eng/test.sh installs it where it may (Debian, root)";
        var library = Directory.Exists("/usr/lib")
            ? Directory.EnumerateFiles("/usr/lib", "libfaketimeMT.so.1", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }).FirstOrDefault()
            : null;
        return library is null ? null : new SteppedClock(temp.Write("clock", "+0\n"), library);
    }

    /// <summary>
    /// One step somewhen in a life of the shipper, after it has looked around and saved that: two in a moment in which nobody looks, there and
    /// back, leave no trace by which they could be told.
    /// </summary>
    public async Task StepAsync(ShipperSetup setup, IReadOnlyList<RotatingLogWriter> writers, Random random, CancellationToken died)
    {
        try
        {
            while (!await HasSavedAsync(setup)) await Task.Delay(50, died);
            await Task.Delay(random.Next(1_000), died);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        var offset = Offsets[random.Next(Offsets.Length)];
        foreach (var writer in writers) writer.ClockOffset = TimeSpan.FromSeconds(offset);
        // By rename: the library must never read half a file.
        await File.WriteAllTextAsync(_file + ".new", offset.ToString("+0;-0;+0", CultureInfo.InvariantCulture) + "\n", CancellationToken.None);
        File.Move(_file + ".new", _file, overwrite: true);
    }

    private static async Task<bool> HasSavedAsync(ShipperSetup setup)
    {
        try
        {
            return (await setup.MetricsAsync()).Sum("loki_shipper_checkpoint_timestamp_seconds") > 0;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
