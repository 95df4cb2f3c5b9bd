variable "account_id" {
  description = "Cloudflare account that owns the Worker."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.account_id))
    error_message = "account_id must be 32 lower-case hexadecimal digits."
  }
}

variable "zone_id" {
  description = "Zone that the host lies in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.zone_id))
    error_message = "zone_id must be 32 lower-case hexadecimal digits."
  }
}

variable "host" {
  description = "Host name at which the Worker answers."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$", var.host)) && length(var.host) <= 253
    error_message = "host must be a full host name in lower case, such as app.example.com."
  }
}

variable "worker_name" {
  description = "Name of the Worker. It must have a deployed version."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.worker_name))
    error_message = "worker_name must have 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end."
  }
}
