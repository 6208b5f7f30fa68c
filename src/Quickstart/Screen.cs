// stderr as a person sees it: log lines and messages scroll, one live line stays at the bottom. Not a terminal: no live line, plain text.

using System.Text;

namespace LokiGateway.Quickstart;

/// <summary>Thread-safe. Everything that is written scrolls above the live line.</summary>
internal sealed class Screen(TextWriter output, bool isTerminal) : TextWriter
{
    private readonly Lock guard = new();
    private string live = "";

    public override Encoding Encoding => Encoding.UTF8;

    public bool IsTerminal => isTerminal;

    /// <summary>Replaces the live line; nothing when stderr is no terminal.</summary>
    public void ShowLive(string text)
    {
        if (!isTerminal) return;
        lock (guard)
        {
            live = text;
            output.Write("\r" + text + "\x1b[K");
            output.Flush();
        }
    }

    /// <summary>Ends the live line: it stays as it was shown last.</summary>
    public void EndLive()
    {
        lock (guard)
        {
            if (live.Length > 0) output.WriteLine();
            live = "";
        }
    }

    public override void Write(char value) => Write(value.ToString());

    public override void Write(string? value)
    {
        lock (guard)
        {
            if (live.Length > 0) output.Write("\r\x1b[K");
            output.Write(value);
            if (live.Length > 0 && value is { Length: > 0 } && value[^1] == '\n') output.Write(live);
            output.Flush();
        }
    }

    public override void WriteLine(string? value) => Write(value + "\n");

    public override void Flush()
    {
        lock (guard) output.Flush();
    }
}
