// Keeps what must not leave the node (tokens, card numbers) from leaving it: applied to whole entries before anything else sees them, so that neither a batch
// nor a dead letter nor a log line of ours can hold what a rule matches.
using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace LokiGateway.Shipper.Frame;

/// <summary>
/// The rules of one source, one after the other. One per lane and source; its lane's thread only. Allocates nothing for entries without a match, and for
/// entries with one only if the rule puts groups back.
/// </summary>
internal sealed class Redaction
{
    /// <summary>
    /// A line is looked at this far behind its longest allowed length before it is cut, so that the cut does not go through a secret and leave its first half.
    /// </summary>
    public const int BytesBehindCut = 2 << 10;

    /// <summary>
    /// Characters that may be searched in one entry, over all rules and matches. One search is linear, but a pattern such as `.*x|y` can search to the end for
    /// each match: this many take about a second at most. A number and not a time, so that a repeated entry is redacted the same way again.
    /// </summary>
    private const long SearchedCharsMax = 64 << 20;

    private readonly List<(Regex Pattern, ReplacementText Replacement)> _rules = [];
    private readonly int _charsMax;
    private char[] _text = [];
    private char[] _next = [];
    private byte[] _bytes = [];
    private int _length;
    private int _nextLength;
    private long _left;

    /// <summary>What the rule that is being applied has written is as long as it may be.</summary>
    private bool _full;
    private bool _cut;

    public Redaction(IReadOnlyList<RedactionRule> rules, int lineBytesMax)
    {
        _charsMax = lineBytesMax + BytesBehindCut;
        foreach (RedactionRule rule in rules)
        {
            Regex pattern = LinePattern.Compile(rule.Pattern);
            if (!ReplacementText.TryParse(rule.Replacement, pattern, out ReplacementText? replacement, out string? error))
                throw new ArgumentException(error, nameof(rules));
            _rules.Add((pattern, replacement));
        }
    }

    /// <summary>False: no rule matches. True: <paramref name="redacted"/> is what may be sent; valid until the next call.</summary>
    /// <param name="entry">Valid UTF-8 of at most the longest line and <see cref="BytesBehindCut"/>.</param>
    /// <param name="redacted">Valid UTF-8; not bounded by the longest line.</param>
    /// <param name="cut">What follows was left out: replacements made it too long, or there was too much to search.</param>
    public bool TryRedact(ReadOnlySpan<byte> entry, out ReadOnlySpan<byte> redacted, out bool cut)
    {
        redacted = default;
        cut = _cut = false;
        if (_text.Length < entry.Length) _text = new char[Math.Max(entry.Length, 4 << 10)];
        _length = Encoding.UTF8.GetChars(entry, _text);
        _left = SearchedCharsMax;
        bool any = false;
        foreach ((Regex pattern, ReplacementText replacement) in _rules) any |= Apply(pattern, replacement);
        if (!any) return false;
        int bytesMax = _length * 3;
        if (_bytes.Length < bytesMax) _bytes = new byte[bytesMax];
        // A match may have split a surrogate pair: half of one becomes U+FFFD.
        Utf8.FromUtf16(_text.AsSpan(0, _length), _bytes, out _, out int written);
        redacted = _bytes.AsSpan(0, written);
        cut = _cut;
        return true;
    }

    private bool Apply(Regex pattern, ReplacementText replacement)
    {
        ReadOnlySpan<char> text = _text.AsSpan(0, _length);
        _nextLength = 0;
        _full = false;
        int done = 0;
        bool any = false;
        // The text is searched from the end of each match on, perhaps to its own end: that is what counts as searched.
        foreach (ValueMatch match in pattern.EnumerateMatches(text))
        {
            if (match.Length == 0) continue;
            if (!replacement.IsLiteral) return ApplyWithGroups(pattern, replacement);
            any = true;
            Append(text[done..match.Index]);
            Append(replacement.Tail);
            _left -= text.Length - done;
            done = match.Index + match.Length;
            if (_full || _left <= 0) break;
        }
        if (any) Finish(text[done..]);
        return any;
    }

    private bool ApplyWithGroups(Regex pattern, ReplacementText replacement)
    {
        string text = new(_text, 0, _length);
        int done = 0;
        for (Match match = pattern.Match(text); match.Success; match = match.NextMatch())
        {
            if (match.Length == 0) continue;
            Append(text.AsSpan(done, match.Index - done));
            foreach ((string literal, int group) in replacement.Pieces)
            {
                Append(literal);
                Append(match.Groups[group].ValueSpan);
            }
            Append(replacement.Tail);
            _left -= text.Length - done;
            done = match.Index + match.Length;
            if (_full || _left <= 0) break;
        }
        Finish(text.AsSpan(done));
        return true;
    }

    private void Finish(ReadOnlySpan<char> rest)
    {
        // What nobody has looked at is not sent.
        if (_left > 0) Append(rest);
        else _cut |= rest.Length > 0;
        (_text, _next) = (_next, _text);
        _length = _nextLength;
    }

    private void Append(ReadOnlySpan<char> text)
    {
        int room = _charsMax - _nextLength;
        if (text.Length > room)
        {
            text = text[..room];
            _full = _cut = true;
        }
        int needed = _nextLength + text.Length;
        if (needed > _next.Length) Array.Resize(ref _next, Math.Min(_charsMax, Math.Max(needed, Math.Max(4 << 10, _next.Length * 2))));
        text.CopyTo(_next.AsSpan(_nextLength));
        _nextLength = needed;
    }
}
