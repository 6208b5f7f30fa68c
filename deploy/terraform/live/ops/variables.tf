variable "organisation" {
  description = "Beginning of every bucket's name; names are unique over all of AWS."
  type        = string
}

variable "region" {
  description = "Region of the cluster and of its buckets: traffic between regions is paid for."
  type        = string
}

variable "oidc_provider_arn" {
  description = "IAM OIDC provider of the cluster ops. Null with pod_identity."
  type        = string
  default     = null
}

variable "pod_identity" {
  description = "EKS Pod Identity instead of or beside IRSA."
  type        = bool
  default     = false
}

variable "create_kms_key" {
  description = "A KMS key of its own for the logs."
  type        = bool
  default     = false
}

variable "cost_center" {
  description = "Tag `cost-center`."
  type        = string
  default     = "platform"
}

variable "cost_reader_arns" {
  description = "Roles of other accounts that read the bill."
  type        = list(string)
  default     = []
}
