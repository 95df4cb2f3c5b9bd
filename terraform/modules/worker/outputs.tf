output "id" {
  description = "Id of the Worker. It stays the same when the Worker is renamed."
  value       = cloudflare_worker.this.id
}

output "name" {
  description = "Name of the Worker, known once the Worker exists."
  value       = cloudflare_worker.this.name
}
