module "worker" {
  source = "../../modules/worker"

  account_id = var.account_id
  name       = var.worker_name
  logs       = var.logs
  tags       = var.tags
}

module "storage" {
  source = "../../modules/storage"

  account_id = var.account_id
  kv         = var.kv
  r2         = var.r2
  location   = var.location
}
