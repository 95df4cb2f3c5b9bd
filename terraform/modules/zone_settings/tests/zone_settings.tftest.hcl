mock_provider "cloudflare" {}

variables {
  zone_id = "9a7806061c88ada191ed06f989cc3dac"
}

run "nothing_asked_nothing_made" {
  command = plan

  assert {
    condition     = length(cloudflare_zone_setting.this) == 0 && length(cloudflare_zone_setting.hsts) == 0
    error_message = "no settings, no resources"
  }
}

run "one_resource_for_each_setting" {
  command = plan

  variables {
    settings = { ssl = "strict", min_tls_version = "1.2", brand_new_setting = "on" }
  }

  assert {
    condition     = cloudflare_zone_setting.this["ssl"].setting_id == "ssl" && cloudflare_zone_setting.this["ssl"].value == "strict"
    error_message = "the key is the setting's id, the value its value"
  }

  assert {
    condition     = cloudflare_zone_setting.this["min_tls_version"].value == "1.2"
    error_message = "a version stays text and does not become a number"
  }

  assert {
    condition     = length(cloudflare_zone_setting.this) == 3
    error_message = "a setting that is not listed here is left to the API's judgement"
  }

  assert {
    condition     = output.settings == tolist(["brand_new_setting", "min_tls_version", "ssl"])
    error_message = "the output lists what is managed"
  }
}

run "numbers_are_sent_as_numbers" {
  command = plan

  variables {
    settings = { browser_cache_ttl = "14400", challenge_ttl = 1800 }
  }

  assert {
    condition     = jsonencode(cloudflare_zone_setting.this["browser_cache_ttl"].value) == "14400" && jsonencode(cloudflare_zone_setting.this["challenge_ttl"].value) == "1800"
    error_message = "the API refuses a time to live in quotes"
  }
}

run "hsts_is_sent_in_full" {
  command = plan

  variables {
    hsts = { max_age = 31536000, include_subdomains = true, preload = true }
  }

  assert {
    condition     = cloudflare_zone_setting.hsts[0].setting_id == "security_header"
    error_message = "HSTS is the setting security_header"
  }

  assert {
    condition = jsonencode(cloudflare_zone_setting.hsts[0].value) == jsonencode({
      strict_transport_security = { enabled = true, include_subdomains = true, max_age = 31536000, nosniff = true, preload = true }
    })
    error_message = "all five fields are sent"
  }

  assert {
    condition     = output.settings == tolist(["security_header"])
    error_message = "the header counts as a managed setting"
  }
}

run "max_age_zero_switches_hsts_off" {
  command = plan

  variables {
    hsts = { max_age = 0, include_subdomains = false, preload = false }
  }

  assert {
    condition     = !cloudflare_zone_setting.hsts[0].value.strict_transport_security.enabled
    error_message = "an age of zero is off"
  }
}

run "refuses_a_wrong_value" {
  command         = plan
  expect_failures = [var.settings]

  variables {
    settings = { ssl = "on" }
  }
}

run "refuses_a_switch_that_is_neither_on_nor_off" {
  command         = plan
  expect_failures = [var.settings]

  variables {
    settings = { always_use_https = "true" }
  }
}

run "refuses_a_number_that_is_none" {
  command         = plan
  expect_failures = [var.settings]

  variables {
    settings = { browser_cache_ttl = "4h" }
  }
}

run "refuses_a_strange_setting_id" {
  command         = plan
  expect_failures = [var.settings]

  variables {
    settings = { "always-use-https" = "on" }
  }
}

run "refuses_the_security_header_as_text" {
  command         = plan
  expect_failures = [var.settings]

  variables {
    settings = { security_header = "on" }
  }
}

run "refuses_a_preload_that_browsers_refuse" {
  command         = plan
  expect_failures = [var.hsts]

  variables {
    hsts = { max_age = 86400, include_subdomains = true, preload = true }
  }
}

run "refuses_a_preload_without_subdomains" {
  command         = plan
  expect_failures = [var.hsts]

  variables {
    hsts = { max_age = 31536000, include_subdomains = false, preload = true }
  }
}

run "refuses_a_negative_max_age" {
  command         = plan
  expect_failures = [var.hsts]

  variables {
    hsts = { max_age = -1, include_subdomains = true, preload = false }
  }
}

run "refuses_a_zone_name_for_its_id" {
  command         = plan
  expect_failures = [var.zone_id]

  variables {
    zone_id = "example.com"
  }
}
