mock_provider "cloudflare" {
  mock_data "cloudflare_zone" {
    defaults = {
      id           = "9a7806061c88ada191ed06f989cc3dac"
      name_servers = ["ada.ns.example.net", "bob.ns.example.net"]
    }
  }
}

variables {
  account_id    = "023e105f4ecef8ad9ca31a8372d0c353"
  zone          = "example.com"
  dnssec        = true
  settings      = { ssl = "strict", http3 = "on" }
  hsts          = { max_age = 31536000, include_subdomains = true, preload = true }
  managed_rules = ["cloudflare_managed", "owasp_core"]
  rate_limit    = { path = "/api/", requests = 100, period = 60, timeout = 60 }
  cache         = [{ path = "/assets/", edge_ttl = 31536000, browser_ttl = 31536000 }]
}

run "everything_that_the_inventory_can_say" {
  assert {
    condition     = output.zone_id == "9a7806061c88ada191ed06f989cc3dac"
    error_message = "the zone's id is an output"
  }

  assert {
    condition     = output.name_servers == tolist(["ada.ns.example.net", "bob.ns.example.net"])
    error_message = "the registrar needs the name servers"
  }

  assert {
    condition     = output.ds_record != null
    error_message = "a signed zone has a DS record"
  }
}

run "a_zone_with_nothing_asked_for" {
  command = plan

  variables {
    dnssec        = false
    settings      = {}
    hsts          = null
    managed_rules = []
    rate_limit    = null
    cache         = []
  }

  assert {
    condition     = output.ds_record == null
    error_message = "an unsigned zone has no DS record"
  }
}

run "refuses_a_url_for_a_zone" {
  command         = plan
  expect_failures = [var.zone]

  variables {
    zone = "https://example.com"
  }
}

run "refuses_an_account_name_for_its_id" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "acme"
  }
}
