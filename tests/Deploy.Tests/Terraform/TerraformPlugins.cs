// The AWS provider is half a gigabyte: it is used where a machine has it, and never fetched for a test. Terraform finds it by its own rules only where somebody
// configured them, so the places that are usual are looked through.
namespace LokiGateway.Deploy.Tests.Terraform;

internal static class TerraformPlugins
{
    private static readonly string Provider = Path.Combine("registry.terraform.io", "hashicorp", "aws");

    /// <summary>What <c>terraform init -plugin-dir</c> needs: a folder with registry.terraform.io/hashicorp/aws in it. Skips the running test without one.</summary>
    public static string Require()
    {
        if (Candidates().FirstOrDefault(static folder => HasProvider(folder)) is { } found) return found;
        Assert.Skip("There is no AWS provider on this machine: LOKIGATEWAY_TF_PLUGINS must name a folder that holds registry.terraform.io/hashicorp/aws/<version>");
        throw new InvalidOperationException();
    }

    private static IEnumerable<string> Candidates()
    {
        foreach (string variable in (string[])["LOKIGATEWAY_TF_PLUGINS", "TF_PLUGIN_CACHE_DIR"])
        {
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } named) yield return named;
        }

        // Terraform's implied mirrors: https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        yield return Path.Combine(home, ".terraform.d", "plugins");
        yield return Path.Combine(home, ".terraform.d", "plugin-cache");
        yield return Path.Combine(home, ".local", "share", "terraform", "plugins");
        foreach (string root in (string[])["/usr/local/share", "/usr/share", "/opt", "/var/lib"])
        {
            yield return Path.Combine(root, "terraform", "plugins");
            foreach (string folder in Subfolders(root)) yield return folder;
        }
    }

    private static IEnumerable<string> Subfolders(string root)
    {
        try
        {
            return Directory.Exists(root) ? Directory.EnumerateDirectories(root) : [];
        }
        catch (UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool HasProvider(string folder)
    {
        string versions = Path.Combine(folder, Provider);
        return Directory.Exists(versions) && Directory.EnumerateDirectories(versions).Any();
    }
}
