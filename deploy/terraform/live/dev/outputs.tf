output "cost_export_uri" {
  description = "Where lokiops cost reads."
  value       = module.costs.export_uri
}
