output "role_arn" {
  description = "For the annotation `eks.amazonaws.com/role-arn` of the service accounts."
  value       = aws_iam_role.this.arn
}

output "trust_policy_json" {
  description = "Who may use the role."
  value       = data.aws_iam_policy_document.trust.json
}
