# Namespaces and buckets are keyed by the binding under which the application sees them: adding or removing one touches
# no other, and a new title renames a namespace in place. A new bucket name is a new, empty bucket.
#
# prevent_destroy would have to be the same literal for every environment, so it is not used here: the deployer's guards
# (protected environments, empty_buckets_on_destroy) decide who may delete what.
resource "cloudflare_workers_kv_namespace" "this" {
  for_each = var.kv

  account_id = var.account_id
  title      = each.value
}

# The location is a hint for the first creation. Cloudflare never moves a bucket, and the provider ignores a later change.
resource "cloudflare_r2_bucket" "this" {
  for_each = var.r2

  account_id    = var.account_id
  name          = each.value
  location      = var.location
  storage_class = "Standard"
}
