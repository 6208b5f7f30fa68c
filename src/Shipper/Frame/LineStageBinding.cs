// The keys of a source that change its lines on their way: joining and redaction. A pattern that is wrong is said at the start and with its line; found out
// later, it would have let through what it was meant to keep.
using System.Text.RegularExpressions;
using LokiGateway.Hosting.Configuration;

namespace LokiGateway.Shipper.Frame;

internal static class LineStageBinding
{
    public static MultiLineOptions? MultiLine(ConfigurationSection source)
    {
        ConfigurationSection section = source.Section("multiline", "Joins lines to one entry, such as a stack trace; off unless first_line is given.");
        string? firstLine = section.OptionalString("first_line",
            "RE2 pattern of an entry's first line (`^\\d{4}-`), searched in the first 4KiB of a line. A line that does not match is joined to the entry before it, with a newline.");
        var options = new MultiLineOptions
        {
            FirstLine = firstLine ?? "",
            LinesMax = section.Integer("max_lines", 128, 2, 100_000, "Most lines of an entry; the next one begins another."),
            BytesMax = (int)section.Size("max_bytes", 256 << 10, 64, 1 << 20, "Most bytes of an entry, and never more than limits.max_line_size; the line that would exceed it begins another."),
            WaitMax = section.Duration("max_wait", TimeSpan.FromSeconds(3), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10),
                "An entry is complete when its file (stdout and stderr apart) is silent for so long. A container's line that was written so much later than the one " +
                "before it begins a new entry, however late both are read."),
        };
        if (firstLine is null)
        {
            foreach (string key in new[] { "max_lines", "max_bytes", "max_wait" })
                if (section.Has(key)) section.Error(key, "has no effect without first_line");
            return null;
        }
        if (!LinePattern.TryCompile(firstLine, out _, out string? error)) section.Error("first_line", error);
        return options;
    }

    public static List<RedactionRule> Redaction(ConfigurationSection source)
    {
        List<RedactionRule> rules = [];
        foreach (ConfigurationSection section in source.Sections("redact",
            "What must not leave the node: replaced in every entry, after lines were joined and before anything else sees it. Rules apply in this order."))
        {
            string pattern = section.RequiredString("pattern", "RE2 pattern of what is replaced. `(?i)` in front ignores case.");
            string replacement = section.String("replace", "***",
                "What stands in its place. `$1` (or `$${name}`) is what a group of the pattern matched: pattern `(password=)[^ ]+`, replace `$1***`.");
            if (pattern.Length == 0) continue;
            if (!LinePattern.TryCompile(pattern, out Regex? regex, out string? error)) section.Error("pattern", error);
            else if (regex.IsMatch("")) section.Error("pattern", "matches the empty text, so that it would be replaced between any two characters");
            else if (!ReplacementText.TryParse(replacement, regex, out _, out error)) section.Error("replace", error);
            rules.Add(new RedactionRule(pattern, replacement));
        }
        return rules;
    }
}
