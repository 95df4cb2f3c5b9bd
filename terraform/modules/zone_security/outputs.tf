output "ruleset_ids" {
  description = "Phase => id of the ruleset that is managed here."
  value = {
    for ruleset in concat(cloudflare_ruleset.managed, cloudflare_ruleset.rate_limit) : ruleset.phase => ruleset.id
  }
}
