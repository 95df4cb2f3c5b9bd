output "kv_ids" {
  description = "Binding => id of the KV namespace."
  value       = { for binding, namespace in cloudflare_workers_kv_namespace.this : binding => namespace.id }
}

output "r2_buckets" {
  description = "Binding => name of the R2 bucket, known once the bucket exists."
  value       = { for binding, bucket in cloudflare_r2_bucket.this : binding => bucket.name }
}
