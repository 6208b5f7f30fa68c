namespace LokiGateway.Operations.Cost.Rules;

/// <summary>
/// The same tag has a different name in each export: <c>component</c> where it is made, <c>user:component</c> in AWS's reports, <c>user_component</c> in those with
/// snake case, <c>app_kubernetes_io_name</c> for a label of Kubernetes in OpenCost. All of them are compared in this form.
/// </summary>
internal static class TagName
{
    public static string Normalize(string name)
    {
        ReadOnlySpan<char> rest = name;
        if (rest.StartsWith("user:", StringComparison.OrdinalIgnoreCase) || rest.StartsWith("user_", StringComparison.OrdinalIgnoreCase)) rest = rest[5..];
        return string.Create(rest.Length, rest, static (target, source) =>
        {
            for (int i = 0; i < source.Length; i++) target[i] = char.IsAsciiLetterOrDigit(source[i]) ? char.ToLowerInvariant(source[i]) : '_';
        });
    }
}
