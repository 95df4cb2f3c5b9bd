output "worker_name" {
  description = "Name of the Worker to which Wrangler deploys."
  value       = module.worker.name
}

output "worker_id" {
  description = "Id of the Worker."
  value       = module.worker.id
}

output "kv_ids" {
  description = "Binding => id of the KV namespace, for Wrangler's configuration."
  value       = module.storage.kv_ids
}

output "r2_buckets" {
  description = "Binding => name of the R2 bucket, for Wrangler's configuration."
  value       = module.storage.r2_buckets
}
