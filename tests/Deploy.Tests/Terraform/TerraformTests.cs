// The modules as Terraform itself sees them: formatted, valid, and passing their own tests (tests/*.tftest.hcl), which say what a plan and an apply make.
using System.Text.RegularExpressions;
using LokiGateway.Deploy.Tests.Kit;

namespace LokiGateway.Deploy.Tests.Terraform;

public sealed partial class TerraformTests(TerraformCopy copy) : IClassFixture<TerraformCopy>
{
    public static TheoryData<string> RootsWithoutTests => [.. TerraformCopy.Roots.Where(static root => !root.StartsWith("modules/", StringComparison.Ordinal))];

    [Fact]
    public async Task EveryFile_IsFormatted() =>
        (await Tool.Terraform.RunAsync(["fmt", "-check", "-diff", "-recursive", "-no-color", DeployTree.Path("terraform")])).Succeeded();

    [Fact]
    public async Task BadlyFormattedFile_IsFound()
    {
        string file = Path.Combine(copy.Folder("examples"), "bad.tf");
        await File.WriteAllTextAsync(file, "locals {\n a=1\n}\n", TestContext.Current.CancellationToken);
        (await Tool.Terraform.RunAsync(["fmt", "-check", "-no-color", file])).Refused();
        File.Delete(file);
    }

    [Theory]
    [MemberData(nameof(RootsWithoutTests))]
    public async Task Root_IsValid(string root)
    {
        await copy.InitAsync(root);
        (await copy.RunAsync(root, "validate")).Succeeded();
    }

    [Theory]
    [InlineData("modules/loki-storage", 12)]
    [InlineData("modules/log-cost-export", 4)]
    [InlineData("modules/service-account-role", 5)]
    public async Task Module_IsValidAndPassesItsTests(string module, int runs)
    {
        await copy.InitAsync(module);
        (await copy.RunAsync(module, "validate")).Succeeded();
        Assert.Contains($"Success! {runs} passed, 0 failed.", (await copy.RunAsync(module, "test")).Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public void Modules_LeaveTheProviderToTheirCaller()
    {
        string[] files = [.. Directory.EnumerateFiles(DeployTree.Path("terraform", "modules"), "*.tf", SearchOption.AllDirectories)];
        Assert.True(files.Length >= 8);
        Assert.All(files, static file => Assert.DoesNotMatch(ProviderBlock(), File.ReadAllText(file)));
    }

    [Fact]
    public void EveryRootThatMakesBuckets_TakesTheTenantsFromTheOneFile()
    {
        foreach (string root in (string[])["examples/minimal", "examples/complete", "live/ops"])
        {
            Assert.Contains(
                "tenant_retention_days = { for name, tenant in yamldecode(file(\"${path.module}/../../../tenants.yaml\")).tenants : name => tenant.retention_days }",
                File.ReadAllText(DeployTree.Path("terraform", root, "main.tf")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task BadInput_IsRefusedWithTheReason()
    {
        const string Root = "examples/refused";
        const string Good = """
            source                = "../../modules/loki-storage"
            oidc_provider_arn     = "arn:aws:iam::123456789012:oidc-provider/id.example.com"
            name_prefix           = "acme"
            tenant_retention_days = { prod = 90 }
            """;
        (string Change, string Reason)[] inputs =
        [
            ("tiering = { storage_class = \"GLACIER\", days = 30 }", "Loki cannot read archived chunks. Queries over them take 20 s and answer 200 with an empty result"),
            ("tiering = { storage_class = \"ONEZONE_IA\", days = 30 }", "a lost zone (ONEZONE_IA) is no lost log"),
            ("tenant_retention_days = { index = 30 }", "every log would become unfindable"),
            ("tenant_retention_days = { prod = 0.5 }", "Loki refuses a retention_period below 24h"),
            ("tenant_retention_days = {}", "a stopped compactor means that logs are kept, and paid for, for ever"),
            ("namespace_service_accounts = [\"*:loki\"]", "let any pod of the cluster that can make a service account read and delete every log"),
            ("expiration_grace_days = 0", "S3 must delete after Loki's compactor"),
            ("noncurrent_version_days = 0", "Loki's deletes free nothing, and the bill grows for ever"),
            ("oidc_provider_arn = \"https://id.example.com\"", "as `aws iam list-open-id-connect-providers` prints it"),
            ("name_prefix = \"Acme\"", "3 to 40 characters of a-z, 0-9 and -"),
            ("kms_key_arn = \"alias/loki\"", "IAM does not accept an alias in the role's policy"),
        ];
        Directory.CreateDirectory(copy.Folder(Root));
        IEnumerable<string> modules = inputs.Select((input, i) =>
        {
            string name = input.Change.Split(' ')[0];
            string[] kept = [.. Good.Split('\n').Where(line => line.Split(' ')[0] != name)];
            return $"module \"m{i}\" {{\n{string.Join('\n', kept)}\n{input.Change}\n}}";
        });
        await File.WriteAllTextAsync(Path.Combine(copy.Folder(Root), "main.tf"), string.Join('\n', [OfflineProvider.Hcl, .. modules]), TestContext.Current.CancellationToken);
        await copy.InitAsync(Root);

        // Terraform folds its messages at the width of the terminal, behind a bar.
        string said = Folds().Replace((await copy.RunAsync(Root, "plan", "-input=false")).Refused(), " ");
        Assert.All(inputs, input => Assert.Contains(input.Reason, said, StringComparison.Ordinal));
    }

    [GeneratedRegex("""(?m)^\s*provider\s+"[a-z]+"\s*\{""")]
    private static partial Regex ProviderBlock();

    [GeneratedRegex(@"[\s│]+")]
    private static partial Regex Folds();
}
