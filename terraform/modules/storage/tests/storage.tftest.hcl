mock_provider "cloudflare" {}

variables {
  account_id = "023e105f4ecef8ad9ca31a8372d0c353"
  location   = "weur"
  kv         = { CACHE = "acme-cache", FLAGS = "acme flags" }
  r2         = { UPLOADS = "acme-uploads" }
}

run "one_resource_for_each_binding" {
  command = plan

  assert {
    condition     = join(" ", keys(cloudflare_workers_kv_namespace.this)) == "CACHE FLAGS" && join(" ", keys(cloudflare_r2_bucket.this)) == "UPLOADS"
    error_message = "resources are keyed by binding"
  }

  assert {
    condition     = cloudflare_workers_kv_namespace.this["FLAGS"].title == "acme flags"
    error_message = "the title is the map's value"
  }

  assert {
    condition     = cloudflare_r2_bucket.this["UPLOADS"].name == "acme-uploads" && cloudflare_r2_bucket.this["UPLOADS"].location == "weur"
    error_message = "the bucket has its name and the location hint"
  }
}

run "outputs_go_by_binding" {
  assert {
    condition     = output.kv_ids == { for binding, namespace in cloudflare_workers_kv_namespace.this : binding => namespace.id }
    error_message = "kv_ids gives each binding its namespace's id"
  }

  assert {
    condition     = output.r2_buckets == { UPLOADS = "acme-uploads" }
    error_message = "r2_buckets gives each binding its bucket's name"
  }
}

run "adding_a_binding_keeps_the_others" {
  variables {
    kv = { ALPHA = "acme-alpha", CACHE = "acme-cache", FLAGS = "acme flags" }
  }

  assert {
    condition     = output.kv_ids["CACHE"] == run.outputs_go_by_binding.kv_ids["CACHE"] && output.kv_ids["FLAGS"] == run.outputs_go_by_binding.kv_ids["FLAGS"]
    error_message = "existing namespaces keep their ids"
  }
}

run "nothing_asked_nothing_made" {
  command = plan

  variables {
    kv = {}
    r2 = {}
  }

  assert {
    condition     = length(output.kv_ids) == 0 && length(output.r2_buckets) == 0
    error_message = "empty maps make nothing"
  }
}

run "refuses_a_binding_that_is_no_identifier" {
  command         = plan
  expect_failures = [var.kv]

  variables {
    kv = { "MY-CACHE" = "acme-cache" }
  }
}

run "refuses_two_bindings_for_one_namespace" {
  command         = plan
  expect_failures = [var.kv]

  variables {
    kv = { A = "same", B = "same" }
  }
}

run "refuses_an_empty_title" {
  command         = plan
  expect_failures = [var.kv]

  variables {
    kv = { A = "" }
  }
}

run "refuses_a_bucket_name_with_an_underscore" {
  command         = plan
  expect_failures = [var.r2]

  variables {
    r2 = { UPLOADS = "acme_uploads" }
  }
}

run "refuses_a_bucket_name_of_two_characters" {
  command         = plan
  expect_failures = [var.r2]

  variables {
    r2 = { UPLOADS = "ab" }
  }
}

run "refuses_two_bindings_for_one_bucket" {
  command         = plan
  expect_failures = [var.r2]

  variables {
    r2 = { A = "same", B = "same" }
  }
}

run "refuses_a_bucket_binding_that_starts_with_a_digit" {
  command         = plan
  expect_failures = [var.r2]

  variables {
    r2 = { "1UPLOADS" = "acme-uploads" }
  }
}

run "refuses_an_unknown_location" {
  command         = plan
  expect_failures = [var.location]

  variables {
    location = "europe"
  }
}

run "refuses_a_short_account_id" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "023e105f"
  }
}
