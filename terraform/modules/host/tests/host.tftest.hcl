mock_provider "cloudflare" {}

variables {
  account_id  = "023e105f4ecef8ad9ca31a8372d0c353"
  zone_id     = "9a7806061c88ada191ed06f989cc3dac"
  host        = "app.example.com"
  worker_name = "acme-main"
}

run "the_host_leads_to_the_worker" {
  assert {
    condition = alltrue([
      cloudflare_workers_custom_domain.this.hostname == "app.example.com",
      cloudflare_workers_custom_domain.this.service == "acme-main",
      cloudflare_workers_custom_domain.this.zone_id == "9a7806061c88ada191ed06f989cc3dac",
    ])
    error_message = "the custom domain joins host, zone and Worker"
  }

  assert {
    condition     = output.host == "app.example.com" && output.domain_id == cloudflare_workers_custom_domain.this.id
    error_message = "the outputs name the domain that was made"
  }
}

run "accepts_the_zone_itself" {
  command = plan

  variables {
    host = "example.com"
  }

  assert {
    condition     = cloudflare_workers_custom_domain.this.hostname == "example.com"
    error_message = "a host may be the zone's own name"
  }
}

run "refuses_a_url" {
  command         = plan
  expect_failures = [var.host]

  variables {
    host = "https://app.example.com"
  }
}

run "refuses_a_wildcard" {
  command         = plan
  expect_failures = [var.host]

  variables {
    host = "*.example.com"
  }
}

run "refuses_a_name_without_a_dot" {
  command         = plan
  expect_failures = [var.host]

  variables {
    host = "localhost"
  }
}

run "refuses_a_label_of_64_characters" {
  command         = plan
  expect_failures = [var.host]

  variables {
    host = "a234567890123456789012345678901234567890123456789012345678901234.example.com"
  }
}

run "refuses_a_worker_name_with_a_dot" {
  command         = plan
  expect_failures = [var.worker_name]

  variables {
    worker_name = "acme.main"
  }
}

run "refuses_a_zone_name_for_its_id" {
  command         = plan
  expect_failures = [var.zone_id]

  variables {
    zone_id = "example.com"
  }
}

run "refuses_an_account_name_for_its_id" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "acme"
  }
}
