variable "account_id" {
  description = "Cloudflare account that owns the zone."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.account_id))
    error_message = "account_id must be 32 lower-case hexadecimal digits."
  }
}

variable "zone" {
  description = "Name of the zone that all environments share."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$", var.zone))
    error_message = "zone must be a domain name in lower case, such as example.com."
  }
}

variable "dnssec" {
  description = "Whether the zone is signed. Take the DS record away at the registrar before switching this off."
  type        = bool
  nullable    = false
}

# The variables below are checked by the module that receives them.

variable "settings" {
  description = "Zone settings: id => value."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "hsts" {
  description = "Strict-Transport-Security for the whole zone; null leaves the header unmanaged. max_age 0 switches it off."
  type = object({
    max_age            = number
    include_subdomains = bool
    preload            = bool
    nosniff            = optional(bool, true)
  })
  default = null
}

variable "managed_rules" {
  description = "Managed rulesets to execute, in this order, by name or id."
  type        = list(string)
  default     = []
  nullable    = false
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
}

variable "cache" {
  description = "Cache rules in order, later ones win: `path`, and `edge_ttl` and `browser_ttl` in seconds."
  type = list(object({
    path        = string
    edge_ttl    = optional(number)
    browser_ttl = optional(number)
  }))
  default  = []
  nullable = false
}
