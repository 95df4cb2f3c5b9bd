mock_provider "cloudflare" {}

variables {
  account_id  = "023e105f4ecef8ad9ca31a8372d0c353"
  worker_name = "acme-main"
  logs        = { enabled = true, sampling_rate = 0.5 }
  kv          = { CACHE = "acme-main-cache" }
  r2          = { UPLOADS = "acme-main-uploads" }
  location    = "weur"
  tags        = ["team:web"]
}

run "outputs_are_what_wranglers_configuration_needs" {
  assert {
    condition     = output.worker_name == "acme-main" && length(output.worker_id) > 0
    error_message = "the Worker's name and id"
  }

  assert {
    condition     = join(" ", keys(output.kv_ids)) == "CACHE" && length(output.kv_ids["CACHE"]) > 0
    error_message = "an id for each KV binding"
  }

  assert {
    condition     = output.r2_buckets == { UPLOADS = "acme-main-uploads" }
    error_message = "a bucket for each R2 binding"
  }
}

run "a_worker_without_storage" {
  command = plan

  variables {
    kv = {}
    r2 = {}
  }

  assert {
    condition     = length(output.kv_ids) == 0 && length(output.r2_buckets) == 0
    error_message = "storage is optional"
  }
}

run "refuses_an_account_name_for_its_id" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "acme"
  }
}
