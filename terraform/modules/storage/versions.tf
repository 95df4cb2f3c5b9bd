terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    cloudflare = {
      source = "cloudflare/cloudflare"
      # Equal in every module and root: the lock files record the union of all constraints.
      version = "~> 5.22.0"
    }
  }
}
