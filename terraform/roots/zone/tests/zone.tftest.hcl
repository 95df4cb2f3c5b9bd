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
    condition     = data.cloudflare_zone.this.filter.name == "example.com" && data.cloudflare_zone.this.filter.account.id == "023e105f4ecef8ad9ca31a8372d0c353"
    error_message = "the zone is looked up by name in this account only"
  }

  assert {
    condition     = join(" ", module.settings.settings) == "http3 security_header ssl"
    error_message = "settings and HSTS reach their module"
  }

  assert {
    condition     = join(" ", keys(module.security.ruleset_ids)) == "http_ratelimit http_request_firewall_managed"
    error_message = "managed rules and the rate limit reach their module"
  }

  assert {
    condition     = module.cache.ruleset_id != null
    error_message = "cache rules reach their module"
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

  assert {
    condition     = length(module.settings.settings) == 0 && length(module.security.ruleset_ids) == 0 && module.cache.ruleset_id == null
    error_message = "nothing is managed that was not asked for"
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
