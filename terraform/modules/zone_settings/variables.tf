variable "zone_id" {
  description = "Zone that the settings are for."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.zone_id))
    error_message = "zone_id must be 32 lower-case hexadecimal digits."
  }
}

variable "settings" {
  description = "Zone settings: id => value. Numbers may be given as text. Plans differ in what they allow."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for setting in keys(var.settings) : can(regex("^[a-z0-9_]{2,64}$", setting))])
    error_message = "a setting id has lower-case letters, digits and underscores."
  }

  validation {
    condition     = !contains(keys(var.settings), "security_header")
    error_message = "security_header is set by the variable hsts."
  }

  validation {
    condition = alltrue([
      for setting, value in var.settings : contains(lookup(local.allowed, setting, [value]), value)
    ])
    error_message = join(" ", [
      for setting, value in var.settings :
      "${setting} must be one of ${join(", ", local.allowed[setting])}, not ${value}."
      if !contains(lookup(local.allowed, setting, [value]), value)
    ])
  }

  validation {
    condition = alltrue([
      for setting, value in var.settings : can(regex("^[0-9]{1,8}$", value)) if contains(local.numbers, setting)
    ])
    error_message = "${join(", ", local.numbers)} take a whole number."
  }
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

  validation {
    condition     = var.hsts == null || try(var.hsts.max_age >= 0 && var.hsts.max_age <= 63072000 && floor(var.hsts.max_age) == var.hsts.max_age, false)
    error_message = "hsts.max_age is a whole number of seconds from 0 to 63072000 (two years)."
  }

  validation {
    condition     = var.hsts == null || try(!var.hsts.preload || (var.hsts.include_subdomains && var.hsts.max_age >= 31536000), false)
    error_message = "hsts.preload needs include_subdomains and a max_age of at least 31536000 (one year): browsers' preload lists refuse less."
  }
}
