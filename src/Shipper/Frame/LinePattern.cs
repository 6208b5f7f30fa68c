// Patterns that users give and that run over every line of a source.
using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using LokiGateway.Hosting.Patterns;

namespace LokiGateway.Shipper.Frame;

/// <summary>
/// Every pattern runs in time linear in the text (RE2's promise; .NET's non-backtracking engine), so no line can stop a lane. There is no timeout: it would
/// make what is sent depend on how busy the machine is.
/// </summary>
internal static class LinePattern
{
    /// <summary>Longer than any pattern that a person wrote, short enough that its automaton is built in no time.</summary>
    private const int LengthMax = 4096;

    /// <summary>A new engine each time: one is fast, and does not allocate, for one thread only. Lanes have their own.</summary>
    public static bool TryCompile(string pattern, [NotNullWhen(true)] out Regex? regex, [NotNullWhen(false)] out string? error)
    {
        if (pattern.Length <= LengthMax) return Re2.TryCompile(pattern, Regex.InfiniteMatchTimeout, out regex, out error);
        regex = null;
        error = $"a pattern may have {LengthMax} characters, this one has {pattern.Length}";
        return false;
    }

    /// <summary>A pattern that <see cref="TryCompile"/> has accepted at the start.</summary>
    public static Regex Compile(string pattern) =>
        TryCompile(pattern, out Regex? regex, out string? error) ? regex : throw new ArgumentException(error, nameof(pattern));
}
