mock_provider "cloudflare" {
  mock_resource "cloudflare_zone_dnssec" {
    defaults = {
      ds = "example.com. 3600 IN DS 42 13 2 ABCD"
    }
  }
}

variables {
  zone_id = "9a7806061c88ada191ed06f989cc3dac"
  enabled = true
}

run "off_manages_nothing" {
  command = plan

  variables {
    enabled = false
  }

  assert {
    condition     = length(cloudflare_zone_dnssec.this) == 0 && output.ds_record == null && output.status == null
    error_message = "an unsigned zone has no resource and no DS record"
  }
}

run "on_signs_the_zone" {
  assert {
    condition     = cloudflare_zone_dnssec.this[0].status == "active" && cloudflare_zone_dnssec.this[0].zone_id == "9a7806061c88ada191ed06f989cc3dac"
    error_message = "signing is asked for"
  }

  assert {
    condition     = output.ds_record == "example.com. 3600 IN DS 42 13 2 ABCD"
    error_message = "the DS record for the registrar is an output"
  }
}

# That a zone switched off by hand fails the plan needs a provider that reads: tests/contract/test_terraform_roots.py.

run "refuses_a_zone_name_for_its_id" {
  command         = plan
  expect_failures = [var.zone_id]

  variables {
    zone_id = "example.com"
  }
}
