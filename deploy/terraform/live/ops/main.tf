# ops hosts Loki: its buckets, its role, and the bill that lokiops reads.

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.70, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region
}

# Data Exports answers in us-east-1 only.
provider "aws" {
  alias  = "billing"
  region = "us-east-1"
}

module "storage" {
  source = "../../modules/loki-storage"

  name_prefix           = "${var.organisation}-loki"
  cluster               = "ops"
  cost_center           = var.cost_center
  oidc_provider_arn     = var.oidc_provider_arn
  pod_identity          = var.pod_identity
  create_kms_key        = var.create_kms_key
  tenant_retention_days = { for name, tenant in yamldecode(file("${path.module}/../../../tenants.yaml")).tenants : name => tenant.retention_days }
}

module "costs" {
  source = "../../modules/log-cost-export"
  providers = {
    aws = aws.billing
  }

  name_prefix           = "${var.organisation}-logging-ops"
  cluster               = "ops"
  cost_center           = var.cost_center
  reader_principal_arns = var.cost_reader_arns
}

# What lokiops' tools may do, each by a role of its own (deploy/helm/lokiops/values-ops.yaml names them).
data "aws_iam_policy_document" "lokiops_storage" {
  statement {
    sid       = "ListChunks"
    actions   = ["s3:ListBucket"]
    resources = [module.storage.bucket_arns["chunks"]]
  }
}

module "lokiops_storage" {
  source = "../../modules/service-account-role"

  name                       = "${var.organisation}-lokiops-storage"
  description                = "lokiops storage-lag: lists the chunks bucket"
  policy_json                = data.aws_iam_policy_document.lokiops_storage.json
  namespace_service_accounts = ["loki:lokiops-storage"]
  oidc_provider_arn          = var.oidc_provider_arn
  pod_identity               = var.pod_identity
  cluster                    = "ops"
  cost_center                = var.cost_center
}

module "lokiops_cost" {
  source = "../../modules/service-account-role"

  name                       = "${var.organisation}-lokiops-cost"
  description                = "lokiops cost: reads the exports of the bill"
  policy_json                = module.costs.read_policy_json
  namespace_service_accounts = ["loki:lokiops-cost"]
  oidc_provider_arn          = var.oidc_provider_arn
  pod_identity               = var.pod_identity
  cluster                    = "ops"
  cost_center                = var.cost_center
}
