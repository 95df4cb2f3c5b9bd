variable "zone_id" {
  description = "Zone that is protected."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.zone_id))
    error_message = "zone_id must be 32 lower-case hexadecimal digits."
  }
}

variable "managed_rules" {
  description = "Managed rulesets to execute, in this order: cloudflare_free, cloudflare_managed, exposed_credentials, owasp_core, or the id of another one."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for name in var.managed_rules : contains(keys(local.known_rulesets), name) || can(regex("^[0-9a-f]{32}$", name))
    ])
    error_message = "managed_rules takes ${join(", ", keys(local.known_rulesets))} or a ruleset's id of 32 hexadecimal digits."
  }

  validation {
    condition     = length(distinct(var.managed_rules)) == length(var.managed_rules)
    error_message = "managed_rules names a ruleset twice."
  }
}

variable "rate_limit" {
  description = "Block a client address for `timeout` seconds after more than `requests` in `period` seconds below `path`; null for no limit."
  type = object({
    path     = string
    requests = number
    period   = number
    timeout  = number
  })
  default = null

  # The path becomes part of an expression, so nothing that could end the string gets in.
  validation {
    condition     = var.rate_limit == null || can(regex("^/[A-Za-z0-9._~/-]{0,200}$", var.rate_limit.path))
    error_message = "rate_limit.path starts with / and has letters, digits and . _ ~ / - only."
  }

  validation {
    condition     = var.rate_limit == null || try(var.rate_limit.requests >= 1 && floor(var.rate_limit.requests) == var.rate_limit.requests, false)
    error_message = "rate_limit.requests is a whole number of at least 1."
  }

  validation {
    condition     = var.rate_limit == null || try(var.rate_limit.period >= 10 && var.rate_limit.period <= 65535 && floor(var.rate_limit.period) == var.rate_limit.period, false)
    error_message = "rate_limit.period is a whole number of seconds from 10 to 65535. The zone's plan may allow less."
  }

  validation {
    condition     = var.rate_limit == null || try(var.rate_limit.timeout >= 0 && var.rate_limit.timeout <= 86400 && floor(var.rate_limit.timeout) == var.rate_limit.timeout, false)
    error_message = "rate_limit.timeout is a whole number of seconds from 0 to 86400. The zone's plan may allow less."
  }
}
