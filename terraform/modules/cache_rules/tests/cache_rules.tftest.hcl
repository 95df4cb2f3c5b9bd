mock_provider "cloudflare" {}

variables {
  zone_id = "9a7806061c88ada191ed06f989cc3dac"
}

run "nothing_asked_nothing_made" {
  command = plan

  assert {
    condition     = length(cloudflare_ruleset.this) == 0 && output.ruleset_id == null
    error_message = "no rules, no ruleset"
  }
}

run "rules_keep_their_order" {
  command = plan

  variables {
    rules = [
      { path = "/b/", edge_ttl = 60, browser_ttl = 30 },
      { path = "/a/", edge_ttl = 31536000, browser_ttl = 0 },
    ]
  }

  assert {
    condition     = cloudflare_ruleset.this[0].phase == "http_request_cache_settings" && cloudflare_ruleset.this[0].kind == "zone"
    error_message = "cache rules have a phase of their own"
  }

  assert {
    condition = cloudflare_ruleset.this[0].rules[*].expression == tolist([
      "starts_with(http.request.uri.path, \"/b/\")",
      "starts_with(http.request.uri.path, \"/a/\")",
    ])
    error_message = "the later rule wins, so the order is the inventory's"
  }

  assert {
    condition     = cloudflare_ruleset.this[0].rules[0].action_parameters.edge_ttl.mode == "override_origin" && cloudflare_ruleset.this[0].rules[0].action_parameters.edge_ttl.default == 60
    error_message = "Cloudflare keeps it for edge_ttl seconds"
  }

  assert {
    condition     = cloudflare_ruleset.this[0].rules[1].action_parameters.browser_ttl.mode == "override_origin" && cloudflare_ruleset.this[0].rules[1].action_parameters.browser_ttl.default == 0
    error_message = "zero seconds is a time like any other"
  }

  assert {
    condition     = alltrue([for rule in cloudflare_ruleset.this[0].rules : rule.action == "set_cache_settings" && rule.action_parameters.cache])
    error_message = "the rules make responses cacheable"
  }
}

run "a_time_left_out_is_the_origins" {
  command = plan

  variables {
    rules = [{ path = "/b/" }]
  }

  assert {
    condition = alltrue([
      cloudflare_ruleset.this[0].rules[0].action_parameters.edge_ttl.mode == "respect_origin",
      cloudflare_ruleset.this[0].rules[0].action_parameters.browser_ttl.mode == "respect_origin",
    ])
    error_message = "without a number the origin's header holds"
  }
}

run "one_rule_is_made" {
  variables {
    rules = [{ path = "/b/", edge_ttl = 60, browser_ttl = 30 }]
  }

  assert {
    condition     = output.ruleset_id == cloudflare_ruleset.this[0].id
    error_message = "the output is the ruleset's id"
  }
}

run "a_rule_in_front_leaves_the_ref_of_the_others" {
  command = plan

  variables {
    rules = [
      { path = "/a/", edge_ttl = 60 },
      { path = "/b/", edge_ttl = 60, browser_ttl = 30 },
      { path = "/a-/", edge_ttl = 60 },
    ]
  }

  assert {
    condition     = cloudflare_ruleset.this[0].rules[1].ref == "cache_${substr(sha256("/b/"), 0, 16)}"
    error_message = "the ref comes from the path, not from the position"
  }

  assert {
    condition     = length(distinct(cloudflare_ruleset.this[0].rules[*].ref)) == 3
    error_message = "paths that look alike have refs of their own"
  }
}

run "refuses_a_path_that_would_end_the_expression" {
  command         = plan
  expect_failures = [var.rules]

  variables {
    rules = [{ path = "/\") or true or (\"" }]
  }
}

run "refuses_a_path_twice" {
  command         = plan
  expect_failures = [var.rules]

  variables {
    rules = [{ path = "/a/", edge_ttl = 1 }, { path = "/a/", edge_ttl = 2 }]
  }
}

run "refuses_more_than_a_year" {
  command         = plan
  expect_failures = [var.rules]

  variables {
    rules = [{ path = "/a/", edge_ttl = 31536001 }]
  }
}

run "refuses_a_negative_browser_ttl" {
  command         = plan
  expect_failures = [var.rules]

  variables {
    rules = [{ path = "/a/", browser_ttl = -1 }]
  }
}

run "refuses_a_zone_name_for_its_id" {
  command         = plan
  expect_failures = [var.zone_id]

  variables {
    zone_id = "example.com"
  }
}
