variable "account_id" {
  description = "Cloudflare account that owns the namespaces and buckets."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.account_id))
    error_message = "account_id must be 32 lower-case hexadecimal digits."
  }
}

variable "kv" {
  description = "KV namespaces: binding in the Worker => title in the account."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for binding in keys(var.kv) : can(regex("^[A-Za-z_][A-Za-z0-9_]{0,63}$", binding))])
    error_message = "a binding is an identifier: letters, digits and underscores, at most 64, not starting with a digit."
  }

  validation {
    condition     = alltrue([for title in values(var.kv) : can(regex("^[^[:cntrl:]]{1,512}$", title))])
    error_message = "a namespace title has 1 to 512 characters, none of them a control character."
  }

  validation {
    condition     = length(distinct(values(var.kv))) == length(var.kv)
    error_message = "two bindings name the same KV namespace."
  }
}

variable "r2" {
  description = "R2 buckets: binding in the Worker => name in the account."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for binding in keys(var.r2) : can(regex("^[A-Za-z_][A-Za-z0-9_]{0,63}$", binding))])
    error_message = "a binding is an identifier: letters, digits and underscores, at most 64, not starting with a digit."
  }

  validation {
    condition     = alltrue([for name in values(var.r2) : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", name))])
    error_message = "a bucket name has 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end."
  }

  validation {
    condition     = length(distinct(values(var.r2))) == length(var.r2)
    error_message = "two bindings name the same R2 bucket."
  }
}

variable "location" {
  description = "Location hint for new R2 buckets."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["apac", "eeur", "enam", "oc", "weur", "wnam"], var.location)
    error_message = "location must be one of apac, eeur, enam, oc, weur, wnam."
  }
}
