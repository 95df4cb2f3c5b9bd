variable "account_id" {
  description = "Cloudflare account that owns the zone and the Worker."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.account_id))
    error_message = "account_id must be 32 lower-case hexadecimal digits."
  }
}

variable "zone" {
  description = "Name of the zone that the host lies in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$", var.zone))
    error_message = "zone must be a domain name in lower case, such as example.com."
  }
}

variable "host" {
  description = "Host name at which the Worker answers: the zone itself or a name below it."
  type        = string
  nullable    = false

  validation {
    condition     = var.host == var.zone || endswith(var.host, ".${var.zone}")
    error_message = "host must be the zone ${var.zone} or end in .${var.zone}: ${var.host} lies outside it."
  }
}

# Checked by the module that receives it.
variable "worker_name" {
  description = "Name of the Worker. It must have a deployed version."
  type        = string
  nullable    = false
}
