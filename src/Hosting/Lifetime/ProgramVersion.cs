using System.Reflection;

namespace LokiGateway.Hosting.Lifetime;

/// <summary>The version that --version, build_info and the User-Agent show, with the commit it was built from.</summary>
public static class ProgramVersion
{
    /// <summary>For example <c>0.1.0+9f86d081</c>. All assemblies of a build have the same.</summary>
    public static string Text { get; } = Shorten(
        typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0");

    private static string Shorten(string version)
    {
        // Eight digits of the commit are enough to find it.
        int plus = version.IndexOf('+', StringComparison.Ordinal);
        return plus < 0 || version.Length <= plus + 9 ? version : version[..(plus + 9)];
    }
}
