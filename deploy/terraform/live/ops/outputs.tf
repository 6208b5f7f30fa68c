output "loki_s3_bucket_name" {
  description = "Chunks bucket."
  value       = module.storage.loki_s3_bucket_name
}

output "loki_iam_role_arn" {
  description = "Role of Loki's pods."
  value       = module.storage.loki_iam_role_arn
}

output "helm_values" {
  description = "terraform output -raw helm_values > storage.yaml"
  value       = module.storage.helm_values
}

output "iam_policy_json" {
  description = "The role's policy."
  value       = module.storage.iam_policy_json
}

output "cost_export_uri" {
  description = "Where lokiops cost reads."
  value       = module.costs.export_uri
}

output "lokiops_role_arns" {
  description = "Roles of lokiops' service accounts, by tool."
  value       = { storage = module.lokiops_storage.role_arn, cost = module.lokiops_cost.role_arn }
}
