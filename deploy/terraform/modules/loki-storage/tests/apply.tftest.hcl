# What is known only after an apply: outputs that carry ARNs. Nothing is made, the provider is a mock.

mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/acme-loki-loki" }
  }

  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/acme-loki-loki" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = { region = "eu-central-1" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
}

variables {
  name_prefix           = "acme-loki"
  oidc_provider_arn     = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
  tenant_retention_days = { ops = 30, dev = 7, prod = 90 }
}

run "values_for_the_chart" {
  assert {
    condition = yamldecode(output.helm_values) == {
      serviceAccount = { name = "loki", annotations = { "eks.amazonaws.com/role-arn" = "arn:aws:iam::123456789012:role/acme-loki-loki" } }
      loki = { storage = {
        type        = "s3"
        bucketNames = { chunks = "acme-loki-chunks", ruler = "acme-loki-ruler" }
        s3          = { region = "eu-central-1" }
      } }
    }
    error_message = "helm_values are the chart's keys for service account, buckets and region."
  }

  assert {
    condition     = output.loki_s3_bucket_name == "acme-loki-chunks" && output.bucket_names["chunks"] == output.loki_s3_bucket_name
    error_message = "loki_s3_bucket_name is the chunks bucket."
  }

  assert {
    condition     = output.loki_iam_role_arn == "arn:aws:iam::123456789012:role/acme-loki-loki"
    error_message = "loki_iam_role_arn is the role's."
  }

  assert {
    condition     = output.kms_key_arn == null
    error_message = "No key is made that was not asked for."
  }
}

run "key_of_its_own" {
  variables {
    create_kms_key = true
  }

  assert {
    condition     = output.kms_key_arn == aws_kms_key.this[0].arn && aws_kms_key.this[0].enable_key_rotation
    error_message = "The key that is made is rotated, and is the one that is used."
  }

  assert {
    condition     = alltrue([for sse in aws_s3_bucket_server_side_encryption_configuration.this : alltrue([for rule in sse.rule : one(rule.apply_server_side_encryption_by_default).kms_master_key_id == aws_kms_key.this[0].arn])])
    error_message = "The buckets are encrypted with it."
  }
}

run "pod_identity_needs_no_annotation" {
  variables {
    oidc_provider_arn = null
    pod_identity      = true
  }

  assert {
    condition     = yamldecode(output.helm_values).serviceAccount == { name = "loki" }
    error_message = "With Pod Identity the service account bears no role."
  }
}
