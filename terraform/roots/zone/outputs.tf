output "zone_id" {
  description = "Id of the zone."
  value       = data.cloudflare_zone.this.id
}

output "name_servers" {
  description = "Name servers to which the registrar must delegate the zone."
  value       = data.cloudflare_zone.this.name_servers
}

output "ds_record" {
  description = "DS record to publish at the registrar; null while the zone is not signed."
  value       = module.dnssec.ds_record
}
