# Later rules win where several match, so the order of the list is kept. `ref` is made from the path and not from the
# position: inserting a rule moves the others without giving them new ids.
resource "cloudflare_ruleset" "this" {
  count = length(var.rules) > 0 ? 1 : 0

  zone_id     = var.zone_id
  name        = "Cache rules"
  description = "What Cloudflare keeps, and for how long"
  kind        = "zone"
  phase       = "http_request_cache_settings"

  rules = [for rule in var.rules : {
    ref         = "cache_${substr(sha256(rule.path), 0, 16)}"
    description = "Cache ${rule.path}"
    expression  = "starts_with(http.request.uri.path, \"${rule.path}\")"
    action      = "set_cache_settings"
    enabled     = true
    action_parameters = {
      cache       = true
      edge_ttl    = rule.edge_ttl == null ? { mode = "respect_origin", default = null } : { mode = "override_origin", default = rule.edge_ttl }
      browser_ttl = rule.browser_ttl == null ? { mode = "respect_origin", default = null } : { mode = "override_origin", default = rule.browser_ttl }
    }
  }]
}
