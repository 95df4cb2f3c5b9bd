mock_provider "cloudflare" {
  mock_data "cloudflare_zone" {
    defaults = {
      id           = "9a7806061c88ada191ed06f989cc3dac"
      name_servers = ["ada.ns.example.net", "bob.ns.example.net"]
    }
  }
}

variables {
  account_id  = "023e105f4ecef8ad9ca31a8372d0c353"
  zone        = "example.com"
  host        = "app.example.com"
  worker_name = "acme-main"
}

run "the_host_is_attached" {
  assert {
    condition     = output.host == "app.example.com" && length(output.domain_id) > 0
    error_message = "the outputs name the attached host"
  }

  assert {
    condition     = data.cloudflare_zone.this.filter.name == "example.com" && data.cloudflare_zone.this.filter.account.id == "023e105f4ecef8ad9ca31a8372d0c353"
    error_message = "the zone is looked up by name in this account only"
  }
}

run "the_zone_itself_is_a_host_too" {
  command = plan

  variables {
    host = "example.com"
  }

  assert {
    condition     = output.host == "example.com"
    error_message = "the zone's own name is inside the zone"
  }
}

run "refuses_a_host_of_another_zone" {
  command         = plan
  expect_failures = [var.host]

  variables {
    host = "app.example.org"
  }
}

run "refuses_a_host_that_only_looks_like_the_zone" {
  command         = plan
  expect_failures = [var.host]

  variables {
    host = "appexample.com"
  }
}

run "refuses_a_zone_that_is_no_domain" {
  command         = plan
  expect_failures = [var.zone]

  variables {
    zone = "example"
    host = "example"
  }
}

run "refuses_an_account_name_for_its_id" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "acme"
  }
}
