// deploy/terraform, copied, so that state, plugins and override files of a test never lie in the repository. The copy is one tree: roots find modules and
// deploy/tenants.yaml by the same relative paths.
using LokiGateway.Deploy.Tests.Kit;
using LokiGateway.Testing;

namespace LokiGateway.Deploy.Tests.Terraform;

/// <summary>A copy of the whole tree; disposing deletes it, not what was applied with it.</summary>
public sealed class TerraformCopy : IDisposable
{
    private static readonly Dictionary<string, string?> Environment = new()
    {
        // A file that somebody configured could forbid the folder of plugins or bring credentials of a real account.
        ["TF_CLI_CONFIG_FILE"] = null,
        ["TF_CLI_ARGS"] = null,
        ["TF_WORKSPACE"] = null,
        ["TF_IN_AUTOMATION"] = "1",
        ["CHECKPOINT_DISABLE"] = "1",
        ["AWS_PROFILE"] = null,
        ["AWS_ACCESS_KEY_ID"] = null,
        ["AWS_SECRET_ACCESS_KEY"] = null,
        ["AWS_SESSION_TOKEN"] = null,
        ["AWS_EC2_METADATA_DISABLED"] = "true",
    };

    private readonly TempDirectory _copy = new("terraform");

    /// <summary>Copies the tree.</summary>
    public TerraformCopy()
    {
        File.Copy(DeployTree.Path("tenants.yaml"), _copy.File("deploy", "tenants.yaml"));
        foreach (string file in Directory.EnumerateFiles(DeployTree.Path("terraform"), "*", SearchOption.AllDirectories))
        {
            if (!file.Contains("/.terraform", StringComparison.Ordinal))
                File.Copy(file, _copy.File("deploy", "terraform", Path.GetRelativePath(DeployTree.Path("terraform"), file)));
        }
    }

    /// <summary>Every folder that Terraform can be run in.</summary>
    internal static IReadOnlyList<string> Roots { get; } =
        ["modules/loki-storage", "modules/log-cost-export", "modules/service-account-role", "examples/minimal", "examples/complete", "live/ops", "live/dev", "live/prod"];

    /// <inheritdoc/>
    public void Dispose() => _copy.Dispose();

    /// <summary>An absolute path below deploy/terraform of the copy.</summary>
    internal string Folder(string root) => Path.Combine(_copy.Path, "deploy", "terraform", root);

    /// <summary>terraform init with the machine's plugins and no backend; skips the running test where Terraform or the provider are missing.</summary>
    internal async Task InitAsync(string root)
    {
        Tool.Terraform.Require();
        (await RunAsync(root, "init", "-input=false", "-backend=false", $"-plugin-dir={TerraformPlugins.Require()}")).Succeeded();
    }

    /// <summary>Runs terraform in a root.</summary>
    internal Task<ToolRun> RunAsync(string root, string command, params string[] arguments) =>
        Tool.Terraform.RunAsync([command, .. command is "output" or "show" ? (string[])[] : ["-no-color"], .. arguments], Folder(root), Environment);
}
