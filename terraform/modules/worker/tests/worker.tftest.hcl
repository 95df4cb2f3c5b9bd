mock_provider "cloudflare" {}

variables {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
  name       = "acme-main"
  logs       = { enabled = true, sampling_rate = 0.1 }
}

run "logs_are_set_at_both_levels" {
  command = plan

  assert {
    condition     = cloudflare_worker.this.observability.enabled && cloudflare_worker.this.observability.logs.enabled
    error_message = "observability and its logs are switched together"
  }

  assert {
    condition = alltrue([
      cloudflare_worker.this.observability.head_sampling_rate == 0.1,
      cloudflare_worker.this.observability.logs.head_sampling_rate == 0.1,
    ])
    error_message = "the sampling rate holds at both levels"
  }
}

run "every_field_that_wrangler_sends_too_is_known_in_the_plan" {
  command = plan

  assert {
    condition = jsonencode(cloudflare_worker.this.observability.logs) == jsonencode({
      destinations       = []
      enabled            = true
      head_sampling_rate = 0.1
      invocation_logs    = true
      persist            = true
    })
    error_message = "the logs are set in full, or the API's defaults show up as changes"
  }

  assert {
    condition     = !cloudflare_worker.this.observability.traces.enabled && cloudflare_worker.this.observability.traces.persist
    error_message = "traces are off, and said to be"
  }

  assert {
    condition     = !cloudflare_worker.this.logpush && length(cloudflare_worker.this.tail_consumers) == 0
    error_message = "no log push, no tail consumer"
  }
}

run "no_address_beside_the_host" {
  command = plan

  assert {
    condition     = !cloudflare_worker.this.subdomain.enabled && !cloudflare_worker.this.subdomain.previews_enabled
    error_message = "the workers.dev and preview addresses stay off"
  }
}

run "logs_can_be_switched_off" {
  command = plan

  variables {
    logs = { enabled = false, sampling_rate = 1 }
  }

  assert {
    condition     = !cloudflare_worker.this.observability.enabled && !cloudflare_worker.this.observability.logs.enabled
    error_message = "off means off at both levels"
  }
}

run "tags_are_a_set" {
  command = plan

  variables {
    tags = ["team:web", "cost=42", "team:web"]
  }

  assert {
    condition     = cloudflare_worker.this.tags == toset(["cost=42", "team:web"])
    error_message = "tags arrive once each"
  }
}

run "outputs_name_the_worker" {
  assert {
    condition     = output.name == "acme-main" && output.id == cloudflare_worker.this.id
    error_message = "the outputs are the Worker's own name and id"
  }
}

run "refuses_capitals_in_the_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Acme"
  }
}

run "refuses_a_name_that_ends_in_a_hyphen" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "acme-"
  }
}

run "refuses_a_name_of_64_characters" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "a234567890123456789012345678901234567890123456789012345678901234"
  }
}

run "accepts_a_name_of_63_characters" {
  command = plan

  variables {
    name = "a23456789012345678901234567890123456789012345678901234567890123"
  }

  assert {
    condition     = length(cloudflare_worker.this.name) == 63
    error_message = "63 characters are allowed"
  }
}

run "refuses_a_sampling_rate_above_one" {
  command         = plan
  expect_failures = [var.logs]

  variables {
    logs = { enabled = true, sampling_rate = 1.5 }
  }
}

run "refuses_a_negative_sampling_rate" {
  command         = plan
  expect_failures = [var.logs]

  variables {
    logs = { enabled = true, sampling_rate = -0.1 }
  }
}

run "refuses_wranglers_own_tags" {
  command         = plan
  expect_failures = [var.tags]

  variables {
    tags = ["cf:service=acme"]
  }
}

run "refuses_a_tag_with_a_comma" {
  command         = plan
  expect_failures = [var.tags]

  variables {
    tags = ["a,b"]
  }
}

run "refuses_an_account_id_in_capitals" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "023E105F4ECEF8AD9CA31A8372D0C353"
  }
}
