variable "name" {
  description = "Name of the role and of its policy."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.name))
    error_message = "name must be 1 to 64 characters of A-Z, a-z, 0-9 and +=,.@_-."
  }
}

variable "description" {
  description = "What the role is for."
  type        = string
}

variable "policy_json" {
  description = "What it may do, as a policy document."
  type        = string

  validation {
    condition     = can(jsondecode(var.policy_json).Statement)
    error_message = "policy_json must be a policy document: JSON with Statement."
  }

  validation {
    condition     = !strcontains(var.policy_json, "\"s3:*\"") && !strcontains(var.policy_json, "\"*\"")
    error_message = "policy_json must name actions and resources: \"*\" would let a tool that only looks change or delete what it looks at."
  }
}

variable "namespace_service_accounts" {
  description = "Kubernetes service accounts that may use the role, as namespace:name."
  type        = list(string)

  validation {
    condition     = length(var.namespace_service_accounts) > 0
    error_message = "namespace_service_accounts must name at least one service account: nobody could use the role."
  }

  validation {
    condition     = alltrue([for account in var.namespace_service_accounts : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?:[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", account))])
    error_message = "namespace_service_accounts must be namespace:name without wildcards: a * would let any pod of the cluster that can make a service account take the role."
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

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role, where the account demands one."
  type        = string
  default     = null
}

variable "cluster" {
  description = "Cluster of the service accounts, for the tag `cluster`."
  type        = string
}

variable "cost_center" {
  description = "Value of the tag `cost-center`."
  type        = string
  default     = "platform"
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
