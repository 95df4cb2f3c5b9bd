output "host" {
  description = "Host name at which the Worker answers."
  value       = module.host.host
}

output "domain_id" {
  description = "Id of the custom domain."
  value       = module.host.domain_id
}
