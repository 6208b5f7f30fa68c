// A container's log as tests of single streams need it: what each of the two must come to is known beforehand.
using System.Text;

namespace LokiGateway.Shipper.Tests;

/// <summary>A container that writes to both streams.</summary>
internal sealed class TwoStreams(string path)
{
    private readonly Random _random = new(11);
    private int _line;

    public string Path { get; set; } = path;

    public List<string> Stdout { get; } = [];

    public List<string> Stderr { get; } = [];

    public void Write(int lines)
    {
        StringBuilder text = new();
        for (int i = 0; i < lines; i++, _line++)
        {
            bool isStderr = _random.Next(3) == 0;
            (isStderr ? Stderr : Stdout).Add($"line {_line}");
            text.Append($"2026-11-22T22:15:01.{_line:D9}Z {(isStderr ? "stderr" : "stdout")} F line {_line}\n");
        }
        File.AppendAllText(Path, text.ToString());
    }
}
