variable "account_id" {
  description = "Cloudflare account that owns the Worker."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.account_id))
    error_message = "account_id must be 32 lower-case hexadecimal digits."
  }
}

variable "name" {
  description = "Name of the Worker. Wrangler deploys to this name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.name))
    error_message = "name must have 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end."
  }
}

variable "logs" {
  description = "Workers Logs: whether they are kept, and of which share of the requests."
  type = object({
    enabled       = bool
    sampling_rate = number
  })
  nullable = false

  validation {
    condition     = var.logs.sampling_rate >= 0 && var.logs.sampling_rate <= 1
    error_message = "logs.sampling_rate is a share: a number from 0 to 1."
  }
}

variable "tags" {
  description = "Tags of the Worker, for people and cost reports."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for tag in var.tags : can(regex("^[A-Za-z0-9][A-Za-z0-9_.:=/-]{0,62}$", tag))])
    error_message = "each tag has 1 to 63 letters, digits and _ . : = / - and starts with a letter or a digit."
  }

  validation {
    condition     = alltrue([for tag in var.tags : !startswith(tag, "cf:")])
    error_message = "tags that begin with cf: are Wrangler's own."
  }
}
