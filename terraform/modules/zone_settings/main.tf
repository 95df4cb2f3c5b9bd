locals {
  # Settings whose values are known here, so that a wrong one is refused before anything is applied. Others pass: Cloudflare
  # adds settings more often than this list changes, and the API refuses what it does not know.
  switch = ["off", "on"]
  allowed = merge(
    { for setting in [
      "0rtt", "always_online", "always_use_https", "automatic_https_rewrites", "brotli", "browser_check",
      "development_mode", "early_hints", "email_obfuscation", "fonts", "hotlink_protection", "http2", "http3",
      "ip_geolocation", "ipv6", "opportunistic_encryption", "opportunistic_onion", "origin_error_page_pass_thru",
      "privacy_pass", "replace_insecure_js", "response_buffering", "rocket_loader", "server_side_exclude",
      "sort_query_string_for_cache", "speed_brain", "tls_client_auth", "true_client_ip_header", "websockets",
    ] : setting => local.switch },
    {
      cache_level     = ["aggressive", "basic", "simplified"]
      min_tls_version = ["1.0", "1.1", "1.2", "1.3"]
      polish          = ["lossless", "lossy", "off"]
      pseudo_ipv4     = ["add_header", "off", "overwrite_header"]
      security_level  = ["essentially_off", "high", "low", "medium", "off", "under_attack"]
      ssl             = ["flexible", "full", "off", "strict"]
      tls_1_3         = ["off", "on", "zrt"]
    },
  )

  # The API takes these as JSON numbers; a map(string) carries them as text.
  numbers = ["browser_cache_ttl", "challenge_ttl", "edge_cache_ttl", "max_upload", "origin_h2_max_streams", "proxy_read_timeout"]
}

# Destroying a setting sends nothing: the zone keeps the last value. To take one back, set the other value first.
resource "cloudflare_zone_setting" "this" {
  for_each = var.settings

  zone_id    = var.zone_id
  setting_id = each.key

  # A conditional would turn a number back into text; decoding JSON keeps the type.
  value = jsondecode(contains(local.numbers, each.key) ? each.value : jsonencode(each.value))
}

# All five fields, always: the provider sends only what changed, and the API merges.
resource "cloudflare_zone_setting" "hsts" {
  count = var.hsts == null ? 0 : 1

  zone_id    = var.zone_id
  setting_id = "security_header"
  value = {
    strict_transport_security = {
      enabled            = var.hsts.max_age > 0
      max_age            = var.hsts.max_age
      include_subdomains = var.hsts.include_subdomains
      preload            = var.hsts.preload
      nosniff            = var.hsts.nosniff
    }
  }
}
