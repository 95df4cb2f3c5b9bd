# Cloudflare answers `pending` until the registrar publishes the DS record, for days perhaps, and the provider accepts
# only `active` and `disabled` as a wish. Compared, the two would differ in every plan; so the status is set once and
# then observed: a zone whose signing was switched off by hand fails the plan instead of passing unseen.
resource "cloudflare_zone_dnssec" "this" {
  count = var.enabled ? 1 : 0

  zone_id = var.zone_id
  status  = "active"

  lifecycle {
    ignore_changes = [status]

    postcondition {
      condition     = contains(["active", "pending"], self.status)
      error_message = "DNSSEC is wanted, and the zone says ${coalesce(self.status, "nothing")}: it was switched off outside Terraform. Take the DS record away at the registrar first if it is still there, then run `terraform apply -replace` for this resource."
    }
  }
}
