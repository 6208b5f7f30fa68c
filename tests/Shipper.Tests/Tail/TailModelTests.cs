// The tail stage against a model: a random history of writes, rotations, truncations, deletions, pauses, kills and restarts over several
// files must ship exactly the lines that were written, each once, in order per file. The seed is in the message of a failure and in the
// replay list.
using System.Globalization;
using System.Text;

namespace LokiGateway.Shipper.Tests.Tail;

public sealed class TailModelTests
{
    /// <summary>Histories; each has its own seed.</summary>
    private const int Cases = 150;

    private const int StepsPerCase = 60;

    [Fact]
    public void P_TailEqualsTheModelFile_UnderRandomHistories_150Cases()
    {
        for (int seed = 1; seed <= Cases; seed++) Run(seed);
    }

    /// <summary>Seeds that once found something; seeds 1 to 3000 were run when this was written.</summary>
    [Theory]
    [InlineData(2198)]
    public void Replay_OfAHistoryThatOnceFailed(int seed) => Run(seed);

    private static void Run(int seed)
    {
        var random = new Random(seed);
        string[] patterns = random.Next(2) == 0 ? ["logs/*.log"] : ["logs/**"];
        var log = new RecordedLog();
        using var rig = new TailRig(log, patterns) { BytesPerRead = random.Next(3) switch { 0 => 16, 1 => 300, _ => 65536 } };
        rig.Start();
        // What was rotated before the first look ever is left alone on purpose.
        rig.Scan();
        var files = new List<ModelFile>();
        var history = new StringBuilder();
        for (int i = 0; i < 3; i++) files.Add(new ModelFile(rig, $"logs/{(char)('a' + i)}.log", isCopied: random.Next(3) == 0));
        try
        {
            for (int step = 0; step < StepsPerCase; step++) Act(rig, files[random.Next(files.Count)], random, history);
            foreach (ModelFile file in files) file.FinishLine();
            rig.Settle();
            rig.Time.Advance(TimeSpan.FromSeconds(40));
            rig.Settle();
            foreach (ModelFile file in files) Assert.Equal(file.Lines, rig.Lines(file.Name));
            Assert.Equal(files.Sum(f => f.Lines.Count), rig.Shipped.Count);
        }
        catch (Exception failure)
        {
            string shipped = string.Join(" | ", rig.Shipped.Select(l => $"{l.Path[5..]}:{l.Line[..Math.Min(14, l.Line.Length)].Trim()}"));
            throw new InvalidOperationException($"seed {seed.ToString(CultureInfo.InvariantCulture)}, patterns {patterns[0]}: {history}\nlog:\n{string.Join('\n', log.Lines.Select(l => l.Text))}\nshipped {shipped}", failure);
        }
    }

    private static void Act(TailRig rig, ModelFile file, Random random, StringBuilder history)
    {
        int action = random.Next(100);
        history.Append(CultureInfo.InvariantCulture, $"{file.Name[5]}{action} ");
        rig.Note($"--- {file.Name[5]}{action}");
        switch (action)
        {
            case < 40:
                file.Write(random);
                break;
            case < 56 when !file.IsCopied:
                // One to three generations before anybody looks.
                for (int i = random.Next(1, 4); i > 0; i--)
                {
                    file.Rotate();
                    file.Write(random);
                }
                break;
            case < 56:
                // Read once, so that the copy is known by its content; then written to again, so that the copy alone has these lines.
                file.Write(random);
                rig.Settle();
                file.Write(random);
                file.CopyTruncate(random);
                break;
            case < 60:
                // Without a copy only what was read survives, by the nature of it.
                rig.Settle();
                if (file.IsLineFinished) file.Truncate(random);
                break;
            case < 63:
                rig.Scan();
                file.Delete();
                break;
            case < 75:
                rig.Scan();
                break;
            case < 88:
                rig.Pass();
                break;
            case < 92:
                rig.Time.Advance(TimeSpan.FromMilliseconds(random.Next(8000)));
                break;
            case < 95:
                rig.Committer.CommitOnce();
                break;
            default:
                // A deleted file dies with the process that holds it: what was not read of it by then is lost by the nature of it.
                rig.Settle();
                // What is shipped here is acknowledged at once, so "exactly once" needs the commit just before the kill.
                if (random.Next(2) == 0) file.Write(random);
                rig.Committer.CommitOnce();
                rig.KillAndStart();
                if (random.Next(2) == 0) file.Write(random);
                rig.Scan();
                break;
        }
    }

    /// <summary>What a program writes and logrotate does to one log, and the lines that must arrive.</summary>
    private sealed class ModelFile(TailRig rig, string name, bool isCopied)
    {
        private const int GenerationsKept = 12;

        private int _written;
        private string _unfinished = "";

        public string Name => name;

        /// <summary>Whether logrotate has it by copytruncate, or by rename (create).</summary>
        public bool IsCopied => isCopied;

        public List<string> Lines { get; } = [];

        public bool IsLineFinished => _unfinished.Length == 0;

        private string Path => rig.PathOf(name);

        public void Write(Random random)
        {
            for (int i = random.Next(1, 6); i > 0; i--)
            {
                string line = $"{_unfinished}{name} {_written++} {Filler(random)}";
                bool finished = random.Next(8) != 0;
                File.AppendAllText(Path, finished ? line[_unfinished.Length..] + "\n" : line[_unfinished.Length..]);
                _unfinished = finished ? "" : line;
                if (finished) Lines.Add(line);
            }
        }

        public void FinishLine()
        {
            if (IsLineFinished) return;
            File.AppendAllText(Path, "\n");
            Lines.Add(_unfinished);
            _unfinished = "";
        }

        public void Rotate()
        {
            FinishLine();
            if (!File.Exists(Path)) return;
            Shift();
            File.Move(Path, Path + ".1");
        }

        public void CopyTruncate(Random random)
        {
            FinishLine();
            if (!File.Exists(Path)) return;
            Shift();
            File.Copy(Path, Path + ".1");
            Truncate(random);
        }

        public void Truncate(Random random)
        {
            if (!File.Exists(Path)) return;
            using (FileStream file = new(Path, FileMode.Truncate, FileAccess.Write, FileShare.ReadWrite))
            {
            }
            if (random.Next(2) == 0) Write(random);
        }

        public void Delete()
        {
            // A name without its end: the program begins a new file, and nobody sees the rest of a line.
            FinishLine();
            File.Delete(Path);
        }

        private static string Filler(Random random) =>
            new(random.GetItems("abcdefghijklmnopqrstuvwxyz".AsSpan(), random.Next(3) == 0 ? random.Next(400) : random.Next(20)));

        private void Shift()
        {
            for (int i = GenerationsKept; i >= 1; i--)
                if (File.Exists($"{Path}.{i}")) File.Move($"{Path}.{i}", $"{Path}.{i + 1}", overwrite: true);
        }
    }
}
