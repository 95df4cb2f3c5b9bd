variable "zone_id" {
  description = "Zone that is signed."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.zone_id))
    error_message = "zone_id must be 32 lower-case hexadecimal digits."
  }
}

variable "enabled" {
  description = "Whether the zone is signed. Take the DS record away at the registrar before switching this off."
  type        = bool
  nullable    = false
}
