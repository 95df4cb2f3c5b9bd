data "cloudflare_zone" "this" {
  filter = {
    name    = var.zone
    account = { id = var.account_id }
  }
}

module "host" {
  source = "../../modules/host"

  account_id  = var.account_id
  zone_id     = data.cloudflare_zone.this.id
  host        = var.host
  worker_name = var.worker_name
}
