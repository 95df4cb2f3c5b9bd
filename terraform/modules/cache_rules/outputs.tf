output "ruleset_id" {
  description = "Id of the ruleset; null without rules."
  value       = one(cloudflare_ruleset.this[*].id)
}
