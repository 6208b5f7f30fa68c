output "bucket_name" {
  description = "Bucket of the exports."
  value       = aws_s3_bucket.this.bucket
}

output "bucket_arn" {
  description = "Its ARN."
  value       = local.bucket_arn
}

output "export_uri" {
  description = "Where the files of all billing periods begin."
  value       = "s3://${aws_s3_bucket.this.bucket}/${var.s3_prefix}/${var.export_name}/data/"
}

output "read_policy_json" {
  description = "Policy for a role that reads the exports and can do nothing else."
  value       = data.aws_iam_policy_document.read.json
}
