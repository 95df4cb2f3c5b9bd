output "host" {
  description = "Host name at which the Worker answers, known once it is attached."
  value       = cloudflare_workers_custom_domain.this.hostname
}

output "domain_id" {
  description = "Id of the custom domain."
  value       = cloudflare_workers_custom_domain.this.id
}
