variable "name_prefix" {
  description = "Beginning of every name: buckets are `<name_prefix>-chunks` and `<name_prefix>-ruler`, the role is `<name_prefix>-loki`. Bucket names are unique over all of AWS, so put the organisation into it."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", var.name_prefix))
    error_message = "name_prefix must be 3 to 40 characters of a-z, 0-9 and -, and neither begin nor end with -. Dots are refused: TLS certificates of S3 do not cover names with dots."
  }

  validation {
    condition     = !can(regex("^(xn--|sthree-|amzn-s3-demo-)", var.name_prefix))
    error_message = "name_prefix must not begin with xn--, sthree- or amzn-s3-demo-: S3 reserves them and would refuse the bucket only at apply."
  }
}

variable "cluster" {
  description = "Cluster that hosts Loki, for the tag `cluster` that costs are grouped by."
  type        = string
  default     = "ops"

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.cluster))
    error_message = "cluster must be a name of 1 to 63 characters of a-z, 0-9 and -."
  }
}

variable "cost_center" {
  description = "Value of the tag `cost-center`."
  type        = string
  default     = "platform"

  validation {
    condition     = length(var.cost_center) > 0 && length(var.cost_center) <= 256
    error_message = "cost_center must have 1 to 256 characters: an empty tag makes the cost of Loki disappear in the bill."
  }
}

variable "tenant_retention_days" {
  description = "Days that Loki keeps the logs of each tenant; from deploy/tenants.yaml, which the Helm values are written from, too. Each tenant gets a lifecycle rule at retention + expiration_grace_days."
  type        = map(number)

  validation {
    condition     = length(var.tenant_retention_days) > 0
    error_message = "tenant_retention_days names no tenant: without a rule a stopped compactor means that logs are kept, and paid for, for ever."
  }

  validation {
    condition     = alltrue([for days in values(var.tenant_retention_days) : days >= 1 && floor(days) == days])
    error_message = "tenant_retention_days must be whole days, at least 1: Loki refuses a retention_period below 24h. Keeping logs for ever is not expressed by 0: leave the tenant out, then it gets no lifecycle rule."
  }

  validation {
    condition     = alltrue([for tenant in keys(var.tenant_retention_days) : can(regex("^[a-zA-Z0-9!_.*'()-]{1,150}$", tenant)) && !contains([".", ".."], tenant)])
    error_message = "tenant_retention_days: a tenant id has 1 to 150 characters of a-z, A-Z, 0-9 and !-_.*'() and is not . or .. (Loki's rules); it is the prefix of the tenant's objects in S3."
  }

  validation {
    condition     = !contains(keys(var.tenant_retention_days), "index")
    error_message = "tenant_retention_days: a tenant called \"index\" would put a lifecycle rule on index/, where Loki keeps the index of all tenants: every log would become unfindable."
  }

  validation {
    # S3 takes 1,000 rules a bucket; one is ours.
    condition     = length(var.tenant_retention_days) <= 999
    error_message = "tenant_retention_days: S3 takes at most 1,000 lifecycle rules a bucket, so at most 999 tenants."
  }
}

variable "expiration_grace_days" {
  description = "Days between the end of a tenant's retention, when Loki's compactor deletes, and the day S3 does. A safety net: it must never be the first to delete."
  type        = number
  default     = 14

  validation {
    condition     = var.expiration_grace_days >= 1 && floor(var.expiration_grace_days) == var.expiration_grace_days
    error_message = "expiration_grace_days must be a whole number, at least 1: S3 must delete after Loki's compactor, else Loki's index names chunks that are gone and queries fail."
  }
}

variable "versioning" {
  description = "Keep deleted and overwritten objects for noncurrent_version_days: the only undo of a wrong retention."
  type        = bool
  default     = true
}

variable "noncurrent_version_days" {
  description = "Days that deleted and overwritten objects stay. They are paid for: Loki rewrites its index every few minutes."
  type        = number
  default     = 7

  validation {
    condition     = var.noncurrent_version_days >= 1 && floor(var.noncurrent_version_days) == var.noncurrent_version_days
    error_message = "noncurrent_version_days must be a whole number, at least 1: without an end Loki's deletes free nothing, and the bill grows for ever."
  }
}

variable "tiering" {
  description = "Cheaper storage class for chunks that are older than `days`; null: none, which is right for most. Used for a tenant only if it keeps its logs long enough to be billed for the class's minimum (output tiered_tenants)."
  type = object({
    storage_class = string
    days          = number
  })
  default = null

  validation {
    condition     = var.tiering == null ? true : !contains(["GLACIER", "DEEP_ARCHIVE"], var.tiering.storage_class)
    error_message = "tiering.storage_class must not be GLACIER or DEEP_ARCHIVE: Loki cannot read archived chunks. Queries over them take 20 s and answer 200 with an empty result: logs are lost without an error. GLACIER_IR can be read at once."
  }

  validation {
    condition     = var.tiering == null ? true : contains(["INTELLIGENT_TIERING", "STANDARD_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"], var.tiering.storage_class)
    error_message = "tiering.storage_class must be INTELLIGENT_TIERING, STANDARD_IA or GLACIER_IR: Loki reads them without a restore, and a lost zone (ONEZONE_IA) is no lost log."
  }

  validation {
    condition     = var.tiering == null ? true : var.tiering.days >= 0 && floor(var.tiering.days) == var.tiering.days
    error_message = "tiering.days must be a whole number, at least 0."
  }

  validation {
    condition     = var.tiering == null ? true : var.tiering.storage_class != "STANDARD_IA" || var.tiering.days >= 30
    error_message = "tiering.days must be at least 30 for STANDARD_IA: S3 refuses an earlier transition."
  }
}

variable "oidc_provider_arn" {
  description = "ARN of the cluster's IAM OIDC provider, for roles of service accounts (IRSA). Null with pod_identity."
  type        = string
  default     = null

  validation {
    condition     = var.oidc_provider_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[^*?]+$", var.oidc_provider_arn))
    error_message = "oidc_provider_arn must be arn:aws:iam::<account>:oidc-provider/<issuer without https://>, as `aws iam list-open-id-connect-providers` prints it."
  }
}

variable "pod_identity" {
  description = "Let EKS Pod Identity assume the role, instead of or beside IRSA. The association itself belongs to the cluster."
  type        = bool
  default     = false
}

variable "namespace_service_accounts" {
  description = "Kubernetes service accounts that may use the role, as namespace:name. The first is the one that helm_values names."
  type        = list(string)
  default     = ["loki:loki"]

  validation {
    condition     = length(var.namespace_service_accounts) > 0
    error_message = "namespace_service_accounts must name at least one service account: nobody could use the role."
  }

  validation {
    condition     = alltrue([for account in var.namespace_service_accounts : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?:[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", account))])
    error_message = "namespace_service_accounts must be namespace:name without wildcards: a * would let any pod of the cluster that can make a service account read and delete every log."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role, where the account demands one."
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "Existing KMS key for the buckets. Null: keys of S3 (AES256), or create_kms_key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key (arn:aws:kms:<region>:<account>:key/<id>): IAM does not accept an alias in the role's policy."
  }
}

variable "create_kms_key" {
  description = "Make a KMS key, rotated every year, for the buckets."
  type        = bool
  default     = false
}

variable "create_admin_bucket" {
  description = "Third bucket `<name_prefix>-admin`. Only Grafana Enterprise Logs uses it."
  type        = bool
  default     = false
}

variable "access_logs" {
  description = "Bucket that gets S3's server access logs of ours; its policy must let logging.s3.amazonaws.com write. Null: none."
  # An object, so that a bucket whose name is known only after apply can be given.
  type    = object({ bucket = string })
  default = null
}

variable "force_destroy" {
  description = "Let `terraform destroy` delete buckets that still hold logs. For trials only."
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
