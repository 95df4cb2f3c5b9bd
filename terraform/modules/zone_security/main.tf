locals {
  # Cloudflare's own rulesets have the same ids in every account.
  known_rulesets = {
    cloudflare_free     = "77454fe2d30c4220b5701f6fdfb893ba"
    cloudflare_managed  = "efb7b8c949ac4650a09736fc376e9aee"
    exposed_credentials = "c2e184081120413c86c3ab7e14069605"
    owasp_core          = "4814384a9e5d4991b9815dcfc25d2f1f"
  }
}

# One ruleset per phase is all that a zone can have. `ref` keeps a rule's id through changes of its neighbours; without
# it every change gives every rule a new id, and with it new counters and new entries in the analytics.
resource "cloudflare_ruleset" "managed" {
  count = length(var.managed_rules) > 0 ? 1 : 0

  zone_id     = var.zone_id
  name        = "Managed rules"
  description = "Cloudflare's rulesets for the whole zone, in order"
  kind        = "zone"
  phase       = "http_request_firewall_managed"

  rules = [for name in var.managed_rules : {
    ref         = "managed_${name}"
    description = "Execute ${name}"
    expression  = "true"
    action      = "execute"
    enabled     = true
    action_parameters = {
      id = lookup(local.known_rulesets, name, name)
    }
  }]
}

resource "cloudflare_ruleset" "rate_limit" {
  count = var.rate_limit == null ? 0 : 1

  zone_id     = var.zone_id
  name        = "Rate limit"
  description = "Requests per client address"
  kind        = "zone"
  phase       = "http_ratelimit"

  rules = [{
    ref         = "rate_limit"
    description = "At most ${var.rate_limit.requests} requests in ${var.rate_limit.period} s below ${var.rate_limit.path}"
    expression  = "starts_with(http.request.uri.path, \"${var.rate_limit.path}\")"
    action      = "block"
    enabled     = true
    ratelimit = {
      # Counters live in each data centre, so the API insists on cf.colo.id.
      characteristics     = ["cf.colo.id", "ip.src"]
      period              = var.rate_limit.period
      requests_per_period = var.rate_limit.requests
      mitigation_timeout  = var.rate_limit.timeout
      requests_to_origin  = false
    }
  }]
}
