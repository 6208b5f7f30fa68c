variable "organisation" {
  description = "Beginning of every bucket's name; names are unique over all of AWS."
  type        = string
}

variable "cost_center" {
  description = "Tag `cost-center`."
  type        = string
  default     = "platform"
}

variable "cost_reader_arns" {
  description = "Roles of other accounts that read the bill, such as the one of lokiops in ops."
  type        = list(string)
  default     = []
}
