// A node whose clock jumps (NTP after a long outage, a VM that was paused). libfaketime stands between the program and the kernel, so that the
// clock of the machine that runs the tests stays as it is; the monotonic clock goes on, as in reality.
using LokiGateway.Testing;

namespace LokiGateway.EndToEnd.Tests.Programs;

/// <summary>A wall clock that is set by a file, for programs started with <see cref="Environment"/>.</summary>
internal sealed class SteppedClock : IDisposable
{
    private readonly string _file;

    private SteppedClock(string file, string library)
    {
        _file = file;
        Environment = new Dictionary<string, string>
        {
            ["LD_PRELOAD"] = library,
            ["FAKETIME_TIMESTAMP_FILE"] = file,
            ["FAKETIME_CACHE_DURATION"] = "1",
            ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
        };
        Step("+0");
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

    /// <summary>Seconds ahead (+3600) or behind (-30); running programs see it within a second.</summary>
    public void Step(string offset)
    {
        // By rename: the library must never read half a file.
        File.WriteAllText(_file + ".new", offset + "\n");
        File.Move(_file + ".new", _file, overwrite: true);
    }

    /// <inheritdoc/>
    public void Dispose() => File.Delete(_file);
}
