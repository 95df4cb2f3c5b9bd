variable "account_id" {
  description = "Cloudflare account that owns everything here."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.account_id))
    error_message = "account_id must be 32 lower-case hexadecimal digits."
  }
}

# The variables below are checked by the module that receives them.

variable "worker_name" {
  description = "Name of the Worker."
  type        = string
  nullable    = false
}

variable "logs" {
  description = "Workers Logs: whether they are kept, and of which share of the requests."
  type = object({
    enabled       = bool
    sampling_rate = number
  })
  nullable = false
}

variable "kv" {
  description = "KV namespaces: binding in the Worker => title in the account."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "r2" {
  description = "R2 buckets: binding in the Worker => name in the account."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "location" {
  description = "Location hint for new R2 buckets."
  type        = string
  nullable    = false
}

variable "tags" {
  description = "Tags of the Worker, for people and cost reports."
  type        = set(string)
  default     = []
  nullable    = false
}
