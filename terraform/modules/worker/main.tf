# The Worker as a named thing. What runs in it (versions, deployments, secrets) belongs to Wrangler.
#
# Every field that Wrangler also sends is set here in full and repeated in templates/wrangler.json.j2 from the same
# inventory values, so neither tool sees the other's write as a change (docs/adr/0002-one-owner-per-field.md).
resource "cloudflare_worker" "this" {
  account_id = var.account_id
  name       = var.name
  tags       = var.tags

  # Wrangler leaves these two alone as long as its configuration does not mention them.
  logpush        = false
  tail_consumers = []

  # A site answers on its own host only. A workers.dev or preview address would be a second, unprotected door.
  subdomain = {
    enabled          = false
    previews_enabled = false
  }

  # The whole tree: a sub-field left out is null in the plan and a value in the API's answer.
  observability = {
    enabled            = var.logs.enabled
    head_sampling_rate = var.logs.sampling_rate

    logs = {
      enabled            = var.logs.enabled
      head_sampling_rate = var.logs.sampling_rate
      invocation_logs    = true
      persist            = true
      destinations       = []
    }

    traces = {
      enabled            = false
      head_sampling_rate = 1
      persist            = true
      destinations       = []
    }
  }
}
