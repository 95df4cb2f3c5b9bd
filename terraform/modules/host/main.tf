# A custom domain brings its own proxied DNS record and certificate. A cloudflare_dns_record beside it would collide.
#
# The API refuses a host for a Worker that has no deployed version (code 10013), which is why this module is used in a
# root of its own that runs after the first deployment (docs/adr/0001-hosts-are-a-stack-of-their-own.md).
#
# `environment` is not set: it is deprecated, has one possible value, and changing it replaces the domain.
resource "cloudflare_workers_custom_domain" "this" {
  account_id = var.account_id
  zone_id    = var.zone_id
  hostname   = var.host
  service    = var.worker_name
}
