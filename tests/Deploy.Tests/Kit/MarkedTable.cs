// A table in a README that follows from the files beside it: between two marks, written by UPDATE_DOCS=1 and compared otherwise, so that it is never a memory
// of what was once true.
namespace LokiGateway.Deploy.Tests.Kit;

internal static class MarkedTable
{
    /// <summary>Compares (or writes) what stands between &lt;!-- begin NAME --&gt; and &lt;!-- end NAME --&gt;.</summary>
    public static void Check(string file, string name, string table)
    {
        string begin = $"<!-- begin {name} -->\n", end = $"\n<!-- end {name} -->";
        string text = File.ReadAllText(file);
        int from = text.IndexOf(begin, StringComparison.Ordinal), to = text.IndexOf(end, StringComparison.Ordinal);
        Assert.True(from >= 0 && to > from, $"{file} has no marks for {name}");
        from += begin.Length;
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1") File.WriteAllText(file, text = $"{text[..from]}{table}{text[to..]}");
        else Assert.Equal(table, to > from ? text[from..to] : "");
    }
}
