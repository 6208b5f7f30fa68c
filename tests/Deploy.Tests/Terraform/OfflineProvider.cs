// An AWS provider that asks nobody: plans of new things need no account, and policy documents are rendered by the provider itself.
namespace LokiGateway.Deploy.Tests.Terraform;

internal static class OfflineProvider
{
    public const string Hcl = """
        provider "aws" {
          region                      = "eu-central-1"
          access_key                  = "none"
          secret_key                  = "none"
          skip_credentials_validation = true
          skip_metadata_api_check     = true
          skip_requesting_account_id  = true
          skip_region_validation      = true
        }
        """;

    /// <summary>One that asks a moto server for everything that the modules make.</summary>
    public static string Of(Uri moto) => $$"""
        provider "aws" {
          region                      = "us-east-1"
          access_key                  = "test"
          secret_key                  = "test"
          s3_use_path_style           = true
          skip_credentials_validation = true
          skip_metadata_api_check     = true
          skip_requesting_account_id  = true

          endpoints {
            s3  = "{{moto}}"
            iam = "{{moto}}"
            sts = "{{moto}}"
            kms = "{{moto}}"
          }
        }
        """;
}
