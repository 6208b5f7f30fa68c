variable "name_prefix" {
  description = "Beginning of the names: the bucket is `<name_prefix>-costs`. Unique over all of AWS."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", var.name_prefix))
    error_message = "name_prefix must be 3 to 40 characters of a-z, 0-9 and -, and neither begin nor end with -."
  }
}

variable "export_name" {
  description = "Name of the export; part of the objects' keys."
  type        = string
  default     = "focus-daily"

  validation {
    condition     = can(regex("^[0-9A-Za-z_-]{1,128}$", var.export_name))
    error_message = "export_name must be 1 to 128 characters of A-Z, a-z, 0-9, _ and -."
  }
}

variable "s3_prefix" {
  description = "Prefix of the export's objects in the bucket."
  type        = string
  default     = "focus"

  validation {
    condition     = can(regex("^[0-9A-Za-z_-]{1,128}$", var.s3_prefix))
    error_message = "s3_prefix must be 1 to 128 characters of A-Z, a-z, 0-9, _ and -: one level, without slashes."
  }
}

variable "cluster" {
  description = "Cluster that the bucket's own cost belongs to, for the tag `cluster`."
  type        = string
  default     = "ops"
}

variable "cost_center" {
  description = "Value of the tag `cost-center`."
  type        = string
  default     = "platform"
}

variable "retention_days" {
  description = "Days that exports are kept. Reports over a year need more than 365."
  type        = number
  default     = 800

  validation {
    condition     = var.retention_days >= 62 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number, at least 62: AWS corrects a month's export until the invoice of the month after, and rewrites all of it."
  }
}

variable "reader_principal_arns" {
  description = "Roles of other accounts that may read the export, such as the one that `lokiops cost` runs with. Roles of this account need read_policy_json instead."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.reader_principal_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^*?]+$", arn))])
    error_message = "reader_principal_arns must be ARNs of roles or users without wildcards: an invoice is nobody else's business."
  }
}

variable "force_destroy" {
  description = "Let `terraform destroy` delete the bucket with the exports in it."
  type        = bool
  default     = false
}

variable "tags" {
  description = "More tags for everything. `component`, `cluster` and `cost-center` are set by the module."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.tags), ["component", "cluster", "cost-center"])) == 0
    error_message = "tags must not set component, cluster or cost-center: costs are grouped by them. Use the variables cluster and cost_center."
  }
}
