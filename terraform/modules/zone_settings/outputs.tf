output "settings" {
  description = "Ids of the settings that are managed here, security_header included."
  value = sort(concat(
    [for setting in cloudflare_zone_setting.this : setting.setting_id],
    [for setting in cloudflare_zone_setting.hsts : setting.setting_id],
  ))
}
