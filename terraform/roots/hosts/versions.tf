terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    cloudflare = {
      source = "cloudflare/cloudflare"
      # Equal in every module and root: the lock file records the union of all constraints.
      version = "~> 5.22.0"
    }
  }

  # Partial on purpose: bucket, key and endpoint arrive as -backend-config, because a backend block takes no variables.
  backend "s3" {
    use_lockfile = true
  }
}

# Token and base URL come from the process environment (CLOUDFLARE_API_TOKEN, CLOUDFLARE_BASE_URL), never from variables:
# variables end up in plan files.
provider "cloudflare" {}
