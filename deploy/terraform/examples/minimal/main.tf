# The least that a Loki needs: two buckets and a role. Everything else has a default that is right for most.

terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.70, < 7.0"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

module "storage" {
  source = "../../modules/loki-storage"

  name_prefix           = "acme-loki"
  oidc_provider_arn     = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
  tenant_retention_days = { for name, tenant in yamldecode(file("${path.module}/../../../tenants.yaml")).tenants : name => tenant.retention_days }
}

output "helm_values" {
  value = module.storage.helm_values
}
