data "cloudflare_zone" "this" {
  filter = {
    name    = var.zone
    account = { id = var.account_id }
  }
}

module "settings" {
  source = "../../modules/zone_settings"

  zone_id  = data.cloudflare_zone.this.id
  settings = var.settings
  hsts     = var.hsts
}

module "dnssec" {
  source = "../../modules/dnssec"

  zone_id = data.cloudflare_zone.this.id
  enabled = var.dnssec
}

module "security" {
  source = "../../modules/zone_security"

  zone_id       = data.cloudflare_zone.this.id
  managed_rules = var.managed_rules
  rate_limit    = var.rate_limit
}

module "cache" {
  source = "../../modules/cache_rules"

  zone_id = data.cloudflare_zone.this.id
  rules   = var.cache
}
