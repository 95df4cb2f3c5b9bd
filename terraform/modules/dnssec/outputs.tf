output "ds_record" {
  description = "DS record to publish at the registrar; null while the zone is not signed."
  value       = one(cloudflare_zone_dnssec.this[*].ds)
}

output "status" {
  description = "What Cloudflare says: active, or pending until the DS record is published; null while the zone is not signed."
  value       = one(cloudflare_zone_dnssec.this[*].status)
}
