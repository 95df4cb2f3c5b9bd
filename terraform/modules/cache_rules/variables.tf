variable "zone_id" {
  description = "Zone that the rules are for."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.zone_id))
    error_message = "zone_id must be 32 lower-case hexadecimal digits."
  }
}

variable "rules" {
  description = "Cache rules in order, later ones win: everything below `path` is kept for `edge_ttl` seconds at Cloudflare and `browser_ttl` in browsers. A time left out is the origin's to say."
  type = list(object({
    path        = string
    edge_ttl    = optional(number)
    browser_ttl = optional(number)
  }))
  default  = []
  nullable = false

  # The path becomes part of an expression, so nothing that could end the string gets in.
  validation {
    condition     = alltrue([for rule in var.rules : can(regex("^/[A-Za-z0-9._~/-]{0,200}$", rule.path))])
    error_message = "a rule's path starts with / and has letters, digits and . _ ~ / - only."
  }

  validation {
    condition     = length(distinct(var.rules[*].path)) == length(var.rules)
    error_message = "two rules have the same path."
  }

  validation {
    condition = alltrue([
      for seconds in concat(var.rules[*].edge_ttl, var.rules[*].browser_ttl) :
      seconds == null ? true : seconds >= 0 && seconds <= 31536000 && floor(seconds) == seconds
    ])
    error_message = "edge_ttl and browser_ttl are whole numbers of seconds from 0 to 31536000 (one year)."
  }
}
