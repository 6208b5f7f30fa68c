using System.Text;

namespace LokiGateway.Operations.Tests;

/// <summary>What a command that goes on has written so far: written by one thread and read by another.</summary>
internal sealed class SharedText : TextWriter
{
    private readonly StringBuilder _text = new();
    private readonly Lock _lock = new();

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value)
    {
        lock (_lock) _text.Append(value);
    }

    public override void Write(string? value)
    {
        lock (_lock) _text.Append(value);
    }

    public override void Write(char[] buffer, int index, int count)
    {
        lock (_lock) _text.Append(buffer, index, count);
    }

    public override string ToString()
    {
        lock (_lock) return _text.ToString();
    }
}
