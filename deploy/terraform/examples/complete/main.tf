# Every option that can stand beside the others. The tests apply it to a moto server, plan again and destroy it.

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
  region = var.region
}

variable "region" {
  type    = string
  default = "eu-central-1"
}

data "aws_caller_identity" "current" {}

# S3 writes access logs only where it is let: without the policy the bucket's logging is refused at apply.
resource "aws_s3_bucket" "access_logs" {
  bucket        = "acme-access-logs"
  force_destroy = true
}

data "aws_iam_policy_document" "access_logs" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.access_logs.arn}/*"]

    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_s3_bucket_policy" "access_logs" {
  bucket = aws_s3_bucket.access_logs.id
  policy = data.aws_iam_policy_document.access_logs.json
}

module "storage" {
  source = "../../modules/loki-storage"

  name_prefix           = "acme-loki"
  cluster               = "ops"
  cost_center           = "cc-1234"
  tenant_retention_days = { for name, tenant in yamldecode(file("${path.module}/../../../tenants.yaml")).tenants : name => tenant.retention_days }

  # Who may use it: pods by IRSA or, after a move to it, by EKS Pod Identity.
  oidc_provider_arn          = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
  pod_identity               = true
  namespace_service_accounts = ["loki:loki"]

  # S3 deletes three weeks after Loki should have; a wrong retention can be undone for ten days.
  expiration_grace_days   = 21
  noncurrent_version_days = 10

  # Only prod keeps logs long enough for this to be cheaper (output tiered_tenants).
  tiering = { storage_class = "STANDARD_IA", days = 45 }

  create_kms_key = true
  access_logs    = { bucket = aws_s3_bucket_policy.access_logs.bucket }
  force_destroy  = true
  tags           = { team = "observability" }
}

output "helm_values" {
  value = module.storage.helm_values
}

output "iam_policy_json" {
  value = module.storage.iam_policy_json
}

output "loki_s3_bucket_name" {
  value = module.storage.loki_s3_bucket_name
}

output "loki_iam_role_arn" {
  value = module.storage.loki_iam_role_arn
}

output "tiered_tenants" {
  value = module.storage.tiered_tenants
}
