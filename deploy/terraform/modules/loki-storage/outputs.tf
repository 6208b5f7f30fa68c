output "bucket_names" {
  description = "Names of the buckets, by use (chunks, ruler, admin)."
  value       = { for bucket in local.buckets : bucket => aws_s3_bucket.this[bucket].bucket }
}

output "bucket_arns" {
  description = "ARNs of the buckets, by use."
  value       = local.bucket_arns
}

output "loki_s3_bucket_name" {
  description = "Name of the chunks bucket."
  value       = aws_s3_bucket.this["chunks"].bucket
}

output "loki_iam_role_arn" {
  description = "Role of Loki's pods."
  value       = aws_iam_role.loki.arn
}

output "iam_policy_json" {
  description = "The role's policy, for reviews and for `lokiops preflight`."
  value       = data.aws_iam_policy_document.loki.json
}

output "kms_key_arn" {
  description = "Key that the buckets are encrypted with; null: keys of S3."
  value       = local.kms_key_arn
}

output "tenant_expiration_days" {
  description = "Days after which S3 deletes what the compactor left, by tenant."
  value       = { for tenant, rule in local.tenant_rules : tenant => rule.expiration_days }
}

output "tiered_tenants" {
  description = "Tenants whose chunks move to tiering.storage_class. Others keep their logs too short for it to be cheaper."
  value       = local.tiered_tenants
}

output "helm_values" {
  description = "Values for Loki's chart: `terraform output -raw helm_values > storage.yaml`, then `helm install ... -f storage.yaml`."
  value = yamlencode({
    serviceAccount = merge(
      { name = local.service_account[1] },
      var.oidc_provider_arn == null ? {} : { annotations = { "eks.amazonaws.com/role-arn" = aws_iam_role.loki.arn } },
    )
    loki = {
      storage = {
        type        = "s3"
        bucketNames = { for bucket in local.buckets : bucket => aws_s3_bucket.this[bucket].bucket }
        s3          = { region = aws_s3_bucket.this["chunks"].region }
      }
    }
  })
}
