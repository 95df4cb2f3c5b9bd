mock_provider "cloudflare" {}

variables {
  zone_id = "9a7806061c88ada191ed06f989cc3dac"
}

run "nothing_asked_nothing_made" {
  command = plan

  assert {
    condition     = length(cloudflare_ruleset.managed) == 0 && length(cloudflare_ruleset.rate_limit) == 0 && length(output.ruleset_ids) == 0
    error_message = "no rules, no ruleset"
  }
}

run "managed_rulesets_run_in_the_order_given" {
  command = plan

  variables {
    managed_rules = ["owasp_core", "cloudflare_managed", "0123456789abcdef0123456789abcdef"]
  }

  assert {
    condition     = cloudflare_ruleset.managed[0].phase == "http_request_firewall_managed" && cloudflare_ruleset.managed[0].kind == "zone"
    error_message = "managed rules have a phase of their own"
  }

  assert {
    condition = cloudflare_ruleset.managed[0].rules[*].action_parameters.id == tolist([
      "4814384a9e5d4991b9815dcfc25d2f1f", "efb7b8c949ac4650a09736fc376e9aee", "0123456789abcdef0123456789abcdef",
    ])
    error_message = "names become ids, ids stay, and the order is kept"
  }

  assert {
    condition = cloudflare_ruleset.managed[0].rules[*].ref == tolist([
      "managed_owasp_core", "managed_cloudflare_managed", "managed_0123456789abcdef0123456789abcdef",
    ])
    error_message = "every rule has a ref of its own, so that its id survives changes"
  }

  assert {
    condition     = alltrue([for rule in cloudflare_ruleset.managed[0].rules : rule.action == "execute" && rule.expression == "true" && rule.enabled])
    error_message = "each one is executed for every request"
  }

  assert {
    condition     = length(cloudflare_ruleset.rate_limit) == 0
    error_message = "no limit was asked for"
  }
}

run "every_name_stands_for_cloudflares_id" {
  command = plan

  variables {
    managed_rules = ["cloudflare_free", "cloudflare_managed", "exposed_credentials", "owasp_core"]
  }

  assert {
    condition = cloudflare_ruleset.managed[0].rules[*].action_parameters.id == tolist([
      "77454fe2d30c4220b5701f6fdfb893ba", "efb7b8c949ac4650a09736fc376e9aee",
      "c2e184081120413c86c3ab7e14069605", "4814384a9e5d4991b9815dcfc25d2f1f",
    ])
    error_message = "the ids are the ones that Cloudflare publishes"
  }
}

run "the_rate_limit_counts_per_address" {
  command = plan

  variables {
    rate_limit = { path = "/api/", requests = 100, period = 60, timeout = 600 }
  }

  assert {
    condition     = cloudflare_ruleset.rate_limit[0].phase == "http_ratelimit" && length(cloudflare_ruleset.rate_limit[0].rules) == 1
    error_message = "one rule in the rate limit phase"
  }

  assert {
    condition     = cloudflare_ruleset.rate_limit[0].rules[0].expression == "starts_with(http.request.uri.path, \"/api/\")"
    error_message = "only requests below the path count"
  }

  assert {
    condition = alltrue([
      cloudflare_ruleset.rate_limit[0].rules[0].ratelimit.requests_per_period == 100,
      cloudflare_ruleset.rate_limit[0].rules[0].ratelimit.period == 60,
      cloudflare_ruleset.rate_limit[0].rules[0].ratelimit.mitigation_timeout == 600,
      cloudflare_ruleset.rate_limit[0].rules[0].ratelimit.characteristics == tolist(["cf.colo.id", "ip.src"]),
    ])
    error_message = "the numbers arrive where they belong"
  }

  assert {
    condition     = cloudflare_ruleset.rate_limit[0].rules[0].ref == "rate_limit" && cloudflare_ruleset.rate_limit[0].rules[0].action == "block"
    error_message = "the rule blocks and has a ref"
  }
}

run "outputs_go_by_phase" {
  variables {
    managed_rules = ["cloudflare_managed"]
    rate_limit    = { path = "/", requests = 1, period = 10, timeout = 0 }
  }

  assert {
    condition = output.ruleset_ids == {
      http_request_firewall_managed = cloudflare_ruleset.managed[0].id
      http_ratelimit                = cloudflare_ruleset.rate_limit[0].id
    }
    error_message = "each phase gives its ruleset's id"
  }
}

run "refuses_an_unknown_ruleset" {
  command         = plan
  expect_failures = [var.managed_rules]

  variables {
    managed_rules = ["owasp"]
  }
}

run "refuses_a_ruleset_twice" {
  command         = plan
  expect_failures = [var.managed_rules]

  variables {
    managed_rules = ["owasp_core", "owasp_core"]
  }
}

run "refuses_a_path_that_would_end_the_expression" {
  command         = plan
  expect_failures = [var.rate_limit]

  variables {
    rate_limit = { path = "/\") or true or (\"", requests = 1, period = 10, timeout = 10 }
  }
}

run "refuses_a_path_without_a_slash" {
  command         = plan
  expect_failures = [var.rate_limit]

  variables {
    rate_limit = { path = "api", requests = 1, period = 10, timeout = 10 }
  }
}

run "refuses_a_limit_of_zero_requests" {
  command         = plan
  expect_failures = [var.rate_limit]

  variables {
    rate_limit = { path = "/api/", requests = 0, period = 60, timeout = 60 }
  }
}

run "refuses_half_a_second" {
  command         = plan
  expect_failures = [var.rate_limit]

  variables {
    rate_limit = { path = "/api/", requests = 10, period = 60.5, timeout = 60 }
  }
}

run "refuses_a_period_below_ten_seconds" {
  command         = plan
  expect_failures = [var.rate_limit]

  variables {
    rate_limit = { path = "/api/", requests = 10, period = 1, timeout = 60 }
  }
}

run "refuses_a_timeout_above_a_day" {
  command         = plan
  expect_failures = [var.rate_limit]

  variables {
    rate_limit = { path = "/api/", requests = 10, period = 60, timeout = 86401 }
  }
}

run "refuses_a_zone_name_for_its_id" {
  command         = plan
  expect_failures = [var.zone_id]

  variables {
    zone_id = "example.com"
  }
}
